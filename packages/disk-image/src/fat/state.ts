import type { BlockReader } from '../block/reader.ts';
import { readBootSector } from './boot-sector.ts';

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
  const found = await readBootSector(reader, offset);
  const { type, boot, bytesPerSector, clusterSizeBytes, clusters, sizeBytes } = found;
  const extended = type === 32 ? 64 : 36;
  const signed = boot.readUInt8(extended + 2) === 0x29;
  let dirty = (boot.readUInt8(extended + 1) & 1) !== 0;
  let ioErrors = (boot.readUInt8(extended + 1) & 2) !== 0;
  const table = Buffer.from(await reader.read(offset + found.tableOffset, 8));
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
    clusterSizeBytes,
    clusters,
    sizeBytes,
  };
}
