/** How an image is cut: chunks are read and written as one, ranges (whole numbers of chunks) are verified as one. */
export interface Layout {
  readonly chunkBytes: number;
  readonly rangeBytes: number;
}

export interface Stretch {
  readonly startBytes: number;
  readonly lengthBytes: number;
}

export const chunksPerRange = ({ chunkBytes, rangeBytes }: Layout): number => rangeBytes / chunkBytes;

/** The bytes of a range of an image of this size. */
export function rangeStretch({ rangeBytes }: Layout, range: number, imageSizeBytes: number): Stretch {
  const startBytes = range * rangeBytes;
  return { startBytes, lengthBytes: Math.min(rangeBytes, imageSizeBytes - startBytes) };
}

/** The next multiple of a block. */
export const roundUp = (bytes: number, blockBytes: number): number =>
  Math.ceil(bytes / blockBytes) * blockBytes;
