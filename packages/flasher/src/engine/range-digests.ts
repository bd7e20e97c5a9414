import { createHash, type Hash } from 'node:crypto';
import { chunksPerRange, type Layout } from './layout.ts';

/** A piece of the image; what is all zeros carries no bytes. */
export interface ChunkBytes {
  readonly index: number;
  readonly lengthBytes: number;
  readonly bytes: Uint8Array | undefined;
}

/** SHA-256 of every range of the image, made of its chunks in order. */
export class RangeDigests {
  readonly #layout: Layout;
  readonly #zeros: Buffer;
  readonly #digests: string[] = [];
  #range: Hash | undefined;
  /** Bytes of zeros at the beginning of the current range that are not hashed so far: a range of zeros never is. */
  #pendingZeros = 0;
  #zeroDigest: string | undefined;
  #chunks = 0;

  constructor(layout: Layout, zeros: Buffer) {
    this.#layout = layout;
    this.#zeros = zeros;
  }

  /** The next chunk. */
  add({ lengthBytes, bytes }: ChunkBytes): void {
    this.#chunks += 1;
    if (bytes === undefined && this.#range === undefined) this.#pendingZeros += lengthBytes;
    else this.#startedRange().update(bytes ?? this.#zeros.subarray(0, lengthBytes));
    if (this.#isAtEdge()) this.#endRange();
  }

  /** After the last chunk. */
  end(): void {
    if (!this.#isAtEdge()) this.#endRange();
  }

  /** Of the ranges that are complete, in order. */
  get digests(): readonly string[] {
    return this.#digests;
  }

  #isAtEdge(): boolean {
    return this.#chunks % chunksPerRange(this.#layout) === 0;
  }

  #startedRange(): Hash {
    if (this.#range !== undefined) return this.#range;
    const hash = createHash('sha256');
    for (let left = this.#pendingZeros; left > 0; left -= this.#zeros.length)
      hash.update(this.#zeros.subarray(0, Math.min(left, this.#zeros.length)));
    this.#pendingZeros = 0;
    this.#range = hash;
    return hash;
  }

  #endRange(): void {
    const isWholeZeroRange = this.#range === undefined && this.#pendingZeros === this.#layout.rangeBytes;
    const known = isWholeZeroRange ? this.#zeroDigest : undefined;
    const digest = known ?? this.#startedRange().digest('hex');
    if (isWholeZeroRange) this.#zeroDigest = digest;
    this.#digests.push(digest);
    this.#range = undefined;
    this.#pendingZeros = 0;
  }
}
