import type { BlockReader } from '../block/reader.ts';
import { windowedReader } from '../block/window.ts';
import { FatFormatError } from '../errors.ts';
import { type FatBootSector, readBootSector } from './boot-sector.ts';

/** A FAT file system as clusters. */
export interface FatVolume extends FatBootSector {
  /** FAT32: where the root folder begins; undefined where it has a place of its own. */
  readonly rootCluster: number | undefined;
  /** Bytes of the file system. */
  read(at: number, length: number): Promise<Buffer>;
  /** Byte of the file system at which a cluster lies. @throws FatFormatError where there is no such cluster */
  clusterOffset(cluster: number): number;
  /** The cluster behind one in its chain; undefined at the end. @throws FatFormatError */
  next(cluster: number): Promise<number | undefined>;
}

/** @throws FatFormatError, ImageBoundsError */
export async function openVolume(
  reader: BlockReader,
  offset: number,
  limitBytes: number,
): Promise<FatVolume> {
  const boot = await readBootSector(reader, offset);
  const { type, clusters, clusterSizeBytes, tableBytes, sizeBytes } = boot;
  if (sizeBytes > limitBytes)
    throw new FatFormatError(`it says ${sizeBytes} bytes, but only ${limitBytes} are there for it`);
  if (type === 32 && boot.boot.readUInt16LE(42) !== 0)
    throw new FatFormatError('a FAT32 of another version than 0');
  const tableOffset = boot.tableOffset + tableBytes * activeTable(boot);
  const windowed = windowedReader(reader);
  const read = async (at: number, length: number): Promise<Buffer> => {
    const bytes = await windowed.read(offset + at, length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const check = (cluster: number): void => {
    if (cluster < 2 || cluster >= clusters + 2)
      throw new FatFormatError(`cluster ${cluster} of ${clusters}, which begin with 2`);
  };
  /** From the value for a bad cluster on, which comes before those for the end. */
  const special = type === 12 ? 0xff7 : type === 16 ? 0xfff7 : 0x0fff_fff7;
  return {
    ...boot,
    rootCluster: type === 32 ? boot.boot.readUInt32LE(44) : undefined,
    read,
    clusterOffset(cluster) {
      check(cluster);
      return boot.dataOffset + (cluster - 2) * clusterSizeBytes;
    },
    async next(cluster) {
      check(cluster);
      // An entry of FAT12 has one and a half bytes.
      const at = type === 12 ? cluster + (cluster >> 1) : cluster * (type / 8);
      const length = type === 32 ? 4 : 2;
      if (at + length > tableBytes)
        throw new FatFormatError(`cluster ${cluster} lies behind the end of the file allocation table`);
      const value = (await read(tableOffset + at, length)).readUIntLE(0, length);
      const entry =
        type === 12 ? (cluster & 1 ? value >> 4 : value & 0xfff) : type === 16 ? value : value & 0x0fff_ffff;
      if (entry > special) return undefined;
      if (entry === special || entry === 0)
        throw new FatFormatError(
          `the chain at cluster ${cluster} runs into a ${entry === 0 ? 'free' : 'bad'} one`,
        );
      check(entry);
      return entry;
    },
  };
}

/** FAT32 can use one table alone. */
function activeTable({ type, boot, tables }: FatBootSector): number {
  const flags = type === 32 ? boot.readUInt16LE(40) : 0;
  const active = (flags & 0x80) === 0 ? 0 : flags & 0xf;
  if (active >= tables) throw new FatFormatError(`table ${active} of ${tables} is said to be in use`);
  return active;
}
