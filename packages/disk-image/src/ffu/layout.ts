/** Which of the three layouts a file has. */
export type FfuKind = 'v1' | 'v1-compressed' | 'v2';

export const securityHeaderBytes = 32;
export const securitySignature = 'SignedImage ';
/** CALG_SHA_256. */
export const sha256AlgorithmId = 0x800c;
export const digestBytes = 32;
export const imageHeaderBytes = 24;
export const imageSignature = 'ImageFlash  ';
export const storeHeaderBytes = 248;
export const platformIdBytes = 192;
/** Where a block goes: counted from the start or from the end of the disk. */
export const diskAccess = { begin: 0, end: 2 } as const;
/** What DISM writes, in bytes, for blocks and chunks. */
export const defaultBlockBytes = 131_072;

/** COMPRESSION_FORMAT_* of RTL; 1 is "default". */
export const compressionIds = { none: 0, default: 1, lznt1: 2, xpress: 3, xpressHuffman: 4 } as const;

/** The next multiple of `step`, a power of two or not; `value` itself where it is one. */
export function alignUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Bytes of one write descriptor with one location. */
export function descriptorBytes(kind: FfuKind): number {
  return kind === 'v1-compressed' ? 20 : 16;
}

/** Where the parts of a file with one store lie; all offsets in bytes of the file. */
export interface FfuPlan {
  readonly kind: FfuKind;
  readonly blockBytes: number;
  readonly storedBlocks: number;
  readonly catalogBytes: number;
  readonly hashTableOffset: number;
  readonly hashTableBytes: number;
  readonly imageHeaderOffset: number;
  readonly storeHeaderOffset: number;
  readonly storeHeaderBytes: number;
  readonly descriptorsOffset: number;
  readonly payloadOffset: number;
  /** Digests of the header area, which come before those of the blocks. */
  readonly headerDigests: number;
}

export interface FfuPlanRequest {
  readonly kind: 'v1' | 'v1-compressed';
  /** Block and chunk are the same here. */
  readonly blockBytes: number;
  readonly storedBlocks: number;
  readonly manifestBytes: number;
  /** Of the catalog as it is without filling; one more is possible. */
  readonly catalogBytes: number;
}

/**
 * Everything of a file but its bytes, from counts alone: the payload's place is known before a block is written. No
 * section of the front ends exactly on a chunk boundary, as one of the readers adds a whole chunk there.
 */
export function planFfu(request: FfuPlanRequest): FfuPlan {
  const { kind, blockBytes, storedBlocks, manifestBytes } = request;
  const headBytes = storeHeaderBytes + (kind === 'v1-compressed' ? 4 : 0);
  const imageArea = alignUp(imageHeaderBytes + manifestBytes, blockBytes);
  const storeArea = alignUp(headBytes + storedBlocks * descriptorBytes(kind), blockBytes);
  const headerDigests = (imageArea + storeArea) / blockBytes;
  const hashTableBytes = digestBytes * (headerDigests + storedBlocks);
  const front = securityHeaderBytes + request.catalogBytes + hashTableBytes;
  const catalogBytes = request.catalogBytes + (front % blockBytes === 0 ? 1 : 0);
  const hashTableOffset = securityHeaderBytes + catalogBytes;
  const imageHeaderOffset = alignUp(hashTableOffset + hashTableBytes, blockBytes);
  const storeHeaderOffset = imageHeaderOffset + imageArea;
  return {
    kind,
    blockBytes,
    storedBlocks,
    catalogBytes,
    hashTableOffset,
    hashTableBytes,
    imageHeaderOffset,
    storeHeaderOffset,
    storeHeaderBytes: headBytes,
    descriptorsOffset: storeHeaderOffset + headBytes,
    payloadOffset: storeHeaderOffset + storeArea,
    headerDigests,
  };
}
