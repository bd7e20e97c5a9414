import type { ImageSource, SourceReader } from '../source/source.ts';
import type { Layout } from './layout.ts';

/** A piece of the image; what is all zeros carries no bytes. */
export interface ReadChunk {
  readonly index: number;
  readonly lengthBytes: number;
  readonly zero: boolean;
}

/** Reads an image chunk by chunk, and what is known to be zeros not at all. */
export class ChunkReader {
  readonly #source: ImageSource;
  readonly #layout: Layout;
  readonly #zeros: Buffer;
  #index: number;
  #reader: SourceReader | undefined;
  /** Where the reader stands, in chunks. */
  #readerIndex = -1;
  #extentHint = 0;

  constructor(source: ImageSource, layout: Layout, zeros: Buffer, fromIndex: number) {
    this.#source = source;
    this.#layout = layout;
    this.#zeros = zeros;
    this.#index = fromIndex;
  }

  get index(): number {
    return this.#index;
  }

  /** The next chunk, in `buffer` unless it is zeros; the buffer is padded with zeros. Undefined after the last. */
  async next(buffer: Buffer): Promise<ReadChunk | undefined> {
    const { chunkBytes } = this.#layout;
    const index = this.#index;
    const offset = index * chunkBytes;
    const { sizeBytes, randomAccess } = this.#source;
    if (randomAccess && sizeBytes !== undefined) {
      if (offset >= sizeBytes) return undefined;
      const length = Math.min(chunkBytes, sizeBytes - offset);
      if (this.#isHole(offset, length)) {
        this.#index += 1;
        return { index, lengthBytes: length, zero: true };
      }
    }
    if (this.#readerIndex !== index) {
      await this.#reader?.close();
      this.#reader = await this.#source.open(offset);
    }
    const lengthBytes = (await this.#reader?.read(buffer)) ?? 0;
    if (lengthBytes === 0) return undefined;
    buffer.fill(0, lengthBytes);
    this.#index += 1;
    this.#readerIndex = this.#index;
    const zero = buffer[0] === 0 && buffer.equals(this.#zeros.subarray(0, buffer.length));
    return { index, lengthBytes, zero };
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  #isHole(offset: number, length: number): boolean {
    const { extents } = this.#source;
    if (extents === undefined) return false;
    // Readers go forward: the search goes on where it was.
    let at = this.#extentHint;
    for (; at < extents.length; at += 1) {
      const extent = extents[at];
      if (extent === undefined || extent.startBytes + extent.lengthBytes > offset) break;
    }
    this.#extentHint = at;
    for (; at < extents.length; at += 1) {
      const extent = extents[at];
      if (extent === undefined || extent.startBytes >= offset + length) break;
      if (!extent.zero) return false;
    }
    return true;
  }
}
