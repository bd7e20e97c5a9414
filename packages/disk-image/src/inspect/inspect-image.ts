import { stat } from 'node:fs/promises';
import { hashFile } from '@osforge/flush';
import { contentDigest } from '../block/digest.ts';
import type { BlockReader } from '../block/reader.ts';
import { ImageDamagedError, NbdError } from '../errors.ts';
import type { FfuStore } from '../ffu/read-layout.ts';
import type { DetectedFormat } from './detect-format.ts';
import { type FileSystemFacts, readFileSystem } from './file-system.ts';
import { type AnyImage, openAnyImage, type OpenAnyOptions } from './open-any-image.ts';
import { requireSound } from './require-sound.ts';
import { type PartitionFacts, readTable, type TableFacts } from './partition-table.ts';

export interface InspectOptions extends OpenAnyOptions {
  /** Also hash the file and the disk in it; default false. Both are read whole. */
  readonly hash?: boolean;
}

export interface InspectedPartition extends PartitionFacts {
  readonly fileSystem?: FileSystemFacts;
  /** Why the partition's content could not be looked at. */
  readonly problem?: string;
}

/** One of several disks in an FFU (V2). */
export interface InspectedStore {
  /** From 1, in the order of the file. */
  readonly number: number;
  /** Which disk of a machine it is for, as the file says. */
  readonly devicePath?: string;
  /** Of the disk. */
  readonly sizeBytes: number;
  /** Undefined where the manifest does not say. */
  readonly sectorSize?: number;
  /** Bytes of its blocks in the file. */
  readonly storedBytes: number;
}

export interface ImageReport {
  readonly path: string;
  readonly format: DetectedFormat;
  /**
   * Why the image does not hold what it should: qcow2 and VHDX by their tables, an FFU by its digests, and that only where
   * `hash` is asked for. What is reported beside it is what is left.
   */
  readonly problem?: string;
  /** Length of the file. */
  readonly fileBytes: number;
  /** What the file occupies on its disk. */
  readonly allocatedBytes: number;
  /** Size of the disk that a machine sees. */
  readonly virtualBytes: number;
  /** Bytes of the disk that are not known to be zero; of a VHDX at most what the file occupies. */
  readonly usedBytes: number;
  /** `bytes` is undefined where nothing tells it; `told` says what did. */
  readonly sectorSize: {
    readonly bytes: number | undefined;
    readonly told: 'partition table' | 'FFU manifest' | 'VHDX metadata' | 'nothing';
    /** Where two of them contradict each other. */
    readonly problem?: string;
  };
  readonly table: TableFacts;
  readonly partitions: readonly InspectedPartition[];
  /** A file system that begins at the first byte of a disk without partitions. */
  readonly fileSystem?: FileSystemFacts;
  /** All disks of an FFU with more than one; everything else in this report but the file is about one of them. */
  readonly stores?: readonly InspectedStore[];
  /** The number of that disk, where there are several. */
  readonly disk?: number;
  /** SHA-256 in hex. `disk` is over what a machine sees: equal for an image and its conversions. */
  readonly hashes?: { readonly file: string; readonly disk: string };
}

/**
 * Says what an image is and what is on it. Nothing in it is trusted: what is damaged is reported in a `problem` beside
 * it; only a file that cannot be opened as an image at all throws.
 * @throws as openAnyImage does, and ImageDamagedError where it is damaged just where it is looked at
 */
export async function inspectImage(path: string, options: InspectOptions = {}): Promise<ImageReport> {
  const image = await openAnyImage(path, options);
  let problem: string | undefined;
  try {
    const { signal } = options;
    const { reader, format } = image;
    problem = format === 'ffu' && options.hash !== true ? undefined : await findDamage(image, options);
    const { size, blocks } = await stat(image.path);
    const { table, partitions, sectorSize } = await readTable(reader);
    const inspected: InspectedPartition[] = [];
    for (const partition of partitions) {
      signal?.throwIfAborted();
      inspected.push(await inspectPartition(reader, partition));
    }
    const whole = table.kind === 'none' ? await readFileSystem(reader, 0, reader.sizeBytes) : undefined;
    return {
      path,
      format,
      ...(problem === undefined ? {} : { problem: `damaged or cut (${problem})` }),
      fileBytes: size > 0 ? size : reader.sizeBytes,
      allocatedBytes: blocks * 512,
      virtualBytes: reader.sizeBytes,
      usedBytes: await usedBytes(reader, format, blocks * 512),
      sectorSize: tellSectorSize(image, sectorSize),
      table,
      partitions: inspected,
      ...(whole === undefined ? {} : { fileSystem: whole }),
      ...(image.stores === undefined || image.stores.length < 2
        ? {}
        : { stores: image.stores.map(inspectStore), disk: options.disk ?? 1 }),
      ...(options.hash === true ? { hashes: await hashes(image, signal) } : {}),
    };
  } catch (error) {
    // What is lost cannot be read, and qemu only says that it could not.
    if (problem === undefined || !(error instanceof NbdError)) throw error;
    throw new ImageDamagedError(image.path, problem, { cause: error });
  } finally {
    await image.close();
  }
}

async function findDamage({ path, format }: AnyImage, options: InspectOptions): Promise<string | undefined> {
  try {
    await requireSound(path, format, options);
    return undefined;
  } catch (error) {
    if (error instanceof ImageDamagedError) return error.reason;
    throw error;
  }
}

function inspectStore(store: FfuStore, index: number): InspectedStore {
  const { devicePath, diskSizeBytes, sectorSize, sectorSizeTold, payloadBytes } = store;
  return {
    number: index + 1,
    ...(devicePath === undefined ? {} : { devicePath }),
    sizeBytes: diskSizeBytes,
    ...(sectorSizeTold ? { sectorSize } : {}),
    storedBytes: payloadBytes,
  };
}

async function inspectPartition(reader: BlockReader, partition: PartitionFacts): Promise<InspectedPartition> {
  const { startBytes, sizeBytes } = partition;
  if (startBytes + sizeBytes > reader.sizeBytes)
    return { ...partition, problem: `reaches behind the end of the disk at byte ${reader.sizeBytes}` };
  const fileSystem = await readFileSystem(reader, startBytes, sizeBytes);
  return fileSystem === undefined ? partition : { ...partition, fileSystem };
}

async function usedBytes(
  reader: BlockReader,
  format: DetectedFormat,
  allocatedBytes: number,
): Promise<number> {
  const extents = await reader.extents?.();
  if (extents === undefined) return reader.sizeBytes;
  const used = extents.reduce((sum, { zero, lengthBytes }) => (zero ? sum : sum + lengthBytes), 0);
  // qemu does not tell which blocks of a VHDX are there; what the file occupies is the better bound.
  return format === 'vhdx' ? Math.min(used, allocatedBytes) : used;
}

function tellSectorSize(
  { format, sectorSize }: AnyImage,
  table: 512 | 4096 | undefined,
): ImageReport['sectorSize'] {
  const byFormat = format === 'ffu' ? 'FFU manifest' : 'VHDX metadata';
  if (table === undefined)
    return sectorSize === undefined
      ? { bytes: undefined, told: 'nothing' }
      : { bytes: sectorSize, told: byFormat };
  return {
    bytes: table,
    told: 'partition table',
    ...(sectorSize === undefined || sectorSize === table
      ? {}
      : { problem: `the ${byFormat} says ${sectorSize}` }),
  };
}

async function hashes(
  { path, reader, format }: AnyImage,
  signal: AbortSignal | undefined,
): Promise<{ file: string; disk: string }> {
  const options = signal === undefined ? {} : { signal };
  const disk = await contentDigest(reader, options);
  if (format === 'raw') return { file: disk, disk };
  return { file: (await hashFile(path, options)).sha256, disk };
}
