export type SectorSize = 512 | 4096;

/** One partition of a disk. LBAs are inclusive, in sectors; `startBytes` and `sizeBytes` are the same in bytes. */
export interface GptPartition {
  readonly name: string;
  readonly typeGuid: string;
  readonly guid: string;
  readonly firstLba: number;
  readonly lastLba: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** The 64 attribute bits; 0n where none is set. */
  readonly attributes: bigint;
}

/** A whole partition table, without its bytes. */
export interface GptLayout {
  readonly sectorSize: SectorSize;
  readonly diskSizeBytes: number;
  readonly diskGuid: string;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
  readonly partitions: readonly GptPartition[];
}

export const entryCount = 128;
export const entrySize = 128;
export const headerSize = 92;
/** "EFI PART" */
export const signature = 'EFI PART';

/** Sectors that the array of 128 entries fills. */
export function entrySectors(sectorSize: number): number {
  return Math.ceil((entryCount * entrySize) / sectorSize);
}
