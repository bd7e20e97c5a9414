import { createHash, type Hash } from 'node:crypto';
import { chunksPerRange, type Layout, rangeOf } from './layout.ts';

/** A piece of the image; what is all zeros carries no bytes. */
export interface ChunkBytes {
  readonly index: number;
  readonly lengthBytes: number;
  readonly bytes: Uint8Array | undefined;
}

/** SHA-256 of every range of the image, and of all of it, made of its chunks in order. */
export class RangeDigests {
  readonly #layout: Layout;
  readonly #zeros: Buffer;
  readonly #digests: string[] = [];
  readonly #whole: Hash | undefined;
  #range: Hash | undefined;
  /** Bytes of zeros at the beginning of the current range that are not hashed so far: a range of zeros never is. */
  #pendingZeros = 0;
  #zeroDigest: string | undefined;
  #next = 0;
  #sizeBytes = 0;
  #wholeDigest: string | undefined;
  #done = false;

  /** @param whole false saves hashing everything twice; the digest of the whole image is then undefined */
  constructor(layout: Layout, zeros: Buffer, whole: boolean) {
    this.#layout = layout;
    this.#zeros = zeros;
    this.#whole = whole ? createHash('sha256') : undefined;
  }

  /** The next chunk; chunks that were added before are passed over. */
  add({ index, lengthBytes, bytes }: ChunkBytes): void {
    if (index !== this.#next) return;
    this.#next += 1;
    this.#sizeBytes += lengthBytes;
    const hashed = bytes ?? this.#zeros.subarray(0, lengthBytes);
    this.#whole?.update(hashed);
    if (bytes === undefined && this.#range === undefined) this.#pendingZeros += lengthBytes;
    else this.#startedRange().update(hashed);
    if (this.#next % chunksPerRange(this.#layout) === 0) this.#endRange();
  }

  /** After the last chunk. */
  end(): void {
    if (this.#done) return;
    if (this.#next % chunksPerRange(this.#layout) !== 0) this.#endRange();
    this.#wholeDigest = this.#whole?.digest('hex');
    this.#done = true;
  }

  /** Of the ranges that are complete. */
  get ranges(): readonly string[] {
    return this.#digests;
  }

  /** Of the whole image; undefined before the end, or if it is not wanted. */
  get whole(): string | undefined {
    return this.#wholeDigest;
  }

  get sizeBytes(): number | undefined {
    return this.#done ? this.#sizeBytes : undefined;
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
    if (isWholeZeroRange && this.#zeroDigest !== undefined) {
      this.#digests.push(this.#zeroDigest);
    } else {
      const digest = this.#startedRange().digest('hex');
      if (isWholeZeroRange) this.#zeroDigest = digest;
      this.#digests[rangeOf(this.#layout, this.#next - 1)] = digest;
    }
    this.#range = undefined;
    this.#pendingZeros = 0;
  }
}
