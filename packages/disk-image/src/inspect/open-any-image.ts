import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BlockReader } from '../block/reader.ts';
import { ImageBackingError, ImageLimitError } from '../errors.ts';
import { openFfu } from '../ffu/open-ffu.ts';
import type { FfuStore } from '../ffu/read-layout.ts';
import { openImage } from '../qemu/open-image.ts';
import { type DetectedFormat, detectFileFormat } from './detect-format.ts';
import { expandToFile, type ExpandOptions } from './expand-image.ts';
import { requireOneDisk } from './require-one-disk.ts';
import { vhdxSectorSize } from './vhdx-sector-size.ts';

/** Against images that claim more than there is. */
export type ImageLimits = Pick<OpenAnyOptions, 'maxDiskBytes' | 'maxExpandedBytes' | 'maxTableBytes'>;

export interface OpenAnyOptions extends ExpandOptions {
  /** Which disk of an FFU with several (V2), from 1; default 1. */
  readonly disk?: number;
  /** Default: told from the first bytes. */
  readonly format?: DetectedFormat;
  /** Where compressed images are expanded, sparse; default the system's temporary folder. */
  readonly temporaryFolder?: string;
  /**
   * Most bytes of a disk in qcow2 or VHDX; default 64 TiB, which is the most of VHDX. A file of some kilobytes can claim
   * to be larger, and qemu tells where its holes are in steps of 2 GiB at best.
   */
  readonly maxDiskBytes?: number;
  /** See `openFfu`. */
  readonly maxTableBytes?: number;
}

/** An image of any known format as a disk. */
export interface AnyImage {
  readonly path: string;
  readonly format: DetectedFormat;
  readonly reader: BlockReader;
  /** What the format itself says of the sectors; undefined for raw and qcow2, which do not. */
  readonly sectorSize: number | undefined;
  /** The disks in an FFU; `reader` is of one of them. Undefined for other formats. */
  readonly stores?: readonly FfuStore[];
  /** Also removes what was expanded. */
  close(): Promise<void>;
}

/**
 * Opens an image for reading. Images that stand on other files (qcow2 with a backing or data file) are refused, as they
 * could make any file of this machine part of a disk.
 * @throws ImageDisksError, ImageForeignError, ImageBackingError, ImageExpandError, ImageLimitError, FfuFormatError,
 * FfuUnsupportedError, FfuLimitError, NbdError, DiskFullError
 */
export async function openAnyImage(path: string, options: OpenAnyOptions = {}): Promise<AnyImage> {
  // Absolute: what qemu takes for a protocol ("nbd:…", "json:…") cannot begin with a slash.
  const file = resolve(path);
  const format = options.format ?? (await detectFileFormat(file));
  const { disk = 1, maxTableBytes, signal } = options;
  const signalOption = signal === undefined ? {} : { signal };
  const image = (reader: BlockReader, sectorSize?: number): AnyImage => ({
    path: file,
    format,
    reader,
    sectorSize,
    close: () => reader.close(),
  });
  if (format !== 'ffu') await requireOneDisk(file, format, { disk });
  switch (format) {
    case 'ffu': {
      const limit = maxTableBytes === undefined ? {} : { maxTableBytes };
      if (disk !== 1) await requireOneDisk(file, format, options);
      const ffu = await openFfu(file, { store: disk - 1, ...limit, ...signalOption });
      const sectorSize = ffu.store.sectorSizeTold ? ffu.store.sectorSize : undefined;
      return { ...image(ffu, sectorSize), stores: ffu.layout.stores };
    }
    case 'raw':
      return image(await openImage(file, 'raw', signalOption));
    case 'qcow2':
      await refuseBacking(file);
      return image(await limited(await openImage(file, 'qcow2', signalOption), file, options));
    case 'vhdx': {
      const sectorSize = await vhdxSectorSize(file);
      return image(await limited(await openImage(file, 'vhdx', signalOption), file, options), sectorSize);
    }
    case 'raw.zst':
    case 'raw.gz':
    case 'raw.xz': {
      const folder = await mkdtemp(join(options.temporaryFolder ?? tmpdir(), 'osforge-expand-'));
      const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
      try {
        const raw = join(folder, 'disk.raw');
        await expandToFile(file, format, raw, options);
        const reader = await openImage(raw, 'raw', signalOption);
        return {
          ...image(reader),
          async close() {
            await reader.close();
            await remove();
          },
        };
      } catch (error) {
        await remove();
        throw error;
      }
    }
  }
}

async function limited(reader: BlockReader, path: string, options: OpenAnyOptions): Promise<BlockReader> {
  try {
    refuseLarge(path, reader.sizeBytes, options);
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** @throws ImageLimitError */
export function refuseLarge(path: string, sizeBytes: number, { maxDiskBytes = 2 ** 46 }: ImageLimits): void {
  if (sizeBytes > maxDiskBytes)
    throw new ImageLimitError(
      'maxDiskBytes',
      `${path} holds a disk of ${sizeBytes} bytes, more than ${maxDiskBytes}`,
    );
}

/** By the header alone (qcow2 specification: bytes 8 and 72), before qemu looks at it. */
export async function refuseBacking(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(80);
    await file.read(head, 0, head.length, 0);
    if (head.readBigUInt64BE(8) !== 0n) throw new ImageBackingError(path, 'has a backing file');
    if (head.readUInt32BE(4) >= 3 && (head.readBigUInt64BE(72) & 4n) !== 0n)
      throw new ImageBackingError(path, 'keeps its data in another file');
  } finally {
    await file.close();
  }
}
