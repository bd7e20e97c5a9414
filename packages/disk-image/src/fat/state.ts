import type { BlockReader } from '../block/reader.ts';
import { FatFormatError } from '../errors.ts';

/** What a FAT file system says of itself. */
export interface FatState {
  readonly type: 12 | 16 | 32;
  /** Was not unmounted cleanly. FAT12 says so in the boot sector only; FAT16 and FAT32 there or in FAT[1]. */
  readonly dirty: boolean;
  /** A driver met I/O errors and asks for a surface test. */
  readonly ioErrors: boolean;
  /** Eight upper-case hex digits; undefined without an extended boot signature. */
  readonly volumeId: string | undefined;
  readonly label: string | undefined;
  readonly bytesPerSector: number;
  readonly clusterSizeBytes: number;
  readonly clusters: number;
  readonly sizeBytes: number;
}

/**
 * Reads the dirty and error flags of the FAT file system at `offset`.
 * Source: Microsoft FAT specification 1.03 (types by cluster count; FAT[1] bits) and the boot sector's
 * `BS_Reserved1` bits that Linux and Windows set on mount.
 * @throws FatFormatError if there is no sound FAT boot sector
 * @throws ImageBoundsError if the image is cut short
 */
export async function readFatState(reader: BlockReader, offset = 0): Promise<FatState> {
  const boot = Buffer.from(await reader.read(offset, 512));
  const bytesPerSector = boot.readUInt16LE(11);
  const sectorsPerCluster = boot.readUInt8(13);
  const reserved = boot.readUInt16LE(14);
  const fats = boot.readUInt8(16);
  const rootEntries = boot.readUInt16LE(17);
  const sectors = boot.readUInt16LE(19) || boot.readUInt32LE(32);
  const fatSectors = boot.readUInt16LE(22) || boot.readUInt32LE(36);
  if (boot.readUInt16LE(510) !== 0xaa55) throw new FatFormatError('the boot sector has no signature 55 AA');
  if (![512, 1024, 2048, 4096].includes(bytesPerSector))
    throw new FatFormatError(`${bytesPerSector} bytes per sector are impossible`);
  if (sectorsPerCluster === 0 || (sectorsPerCluster & (sectorsPerCluster - 1)) !== 0)
    throw new FatFormatError(`${sectorsPerCluster} sectors per cluster are impossible`);
  if (reserved === 0 || fats === 0 || fats > 4 || fatSectors === 0)
    throw new FatFormatError('no reserved sectors or no file allocation table');
  const rootSectors = Math.ceil((rootEntries * 32) / bytesPerSector);
  const dataSectors = sectors - reserved - fats * fatSectors - rootSectors;
  if (dataSectors <= 0) throw new FatFormatError('the tables are larger than the volume');
  const clusters = Math.floor(dataSectors / sectorsPerCluster);
  const type = clusters < 4085 ? 12 : clusters < 65525 ? 16 : 32;
  const extended = type === 32 ? 64 : 36;
  const signed = boot.readUInt8(extended + 2) === 0x29;
  let dirty = (boot.readUInt8(extended + 1) & 1) !== 0;
  let ioErrors = (boot.readUInt8(extended + 1) & 2) !== 0;
  const table = Buffer.from(await reader.read(offset + reserved * bytesPerSector, 8));
  if (type === 16) {
    const second = table.readUInt16LE(2);
    dirty ||= (second & 0x8000) === 0;
    ioErrors ||= (second & 0x4000) === 0;
  } else if (type === 32) {
    const second = table.readUInt32LE(4);
    dirty ||= (second & 0x08000000) === 0;
    ioErrors ||= (second & 0x04000000) === 0;
  }
  const label = signed ? boot.toString('latin1', extended + 7, extended + 18).trimEnd() : '';
  return {
    type,
    dirty,
    ioErrors,
    volumeId: signed
      ? boot
          .readUInt32LE(extended + 3)
          .toString(16)
          .toUpperCase()
          .padStart(8, '0')
      : undefined,
    label: label === '' || label === 'NO NAME' ? undefined : label,
    bytesPerSector,
    clusterSizeBytes: sectorsPerCluster * bytesPerSector,
    clusters,
    sizeBytes: sectors * bytesPerSector,
  };
}
