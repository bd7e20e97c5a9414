/** The parts of a disk that have to be written to a target, and their digests. */
export interface Bmap {
  readonly imageSizeBytes: number;
  readonly blockBytes: number;
  /** In order, not touching each other. */
  readonly ranges: readonly BmapRange[];
}

/** Whole blocks; the last of an image may be cut. */
export interface BmapRange {
  readonly firstBlock: number;
  readonly lastBlock: number;
  /** SHA-256 in hex of the bytes; undefined where a file that was read has none. */
  readonly sha256: string | undefined;
}

/** Where a range lies, in bytes. */
export function rangeBytes(
  { imageSizeBytes, blockBytes }: Bmap,
  { firstBlock, lastBlock }: BmapRange,
): { startBytes: number; lengthBytes: number } {
  const startBytes = firstBlock * blockBytes;
  return { startBytes, lengthBytes: Math.min((lastBlock + 1) * blockBytes, imageSizeBytes) - startBytes };
}
