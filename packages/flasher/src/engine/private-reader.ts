import type { BufferPool } from '@osforge/perf/pools';
import { asSourceError } from '../source/open-source.ts';
import type { ImageSource } from '../source/source.ts';
import { ChunkReader } from './chunk-reader.ts';
import { within } from './deadline.ts';
import type { Layout } from './layout.ts';
import type { Semaphore } from './semaphore.ts';
import type { Lease } from './shared-window.ts';

export interface PrivateReaderOptions {
  readonly source: ImageSource;
  readonly layout: Layout;
  readonly pool: BufferPool;
  readonly zeros: Buffer;
  /** How many may read at once; a decompressor has its history in memory. */
  readonly permits: Semaphore;
  readonly readTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Reads the image for one target alone: for one that fell behind, came late, or has a bad range to write again. */
export class PrivateReader {
  readonly #options: PrivateReaderOptions;
  #reader: ChunkReader | undefined;
  #release: (() => void) | undefined;

  constructor(options: PrivateReaderOptions) {
    this.#options = options;
  }

  /** Undefined after the last chunk. */
  async take(index: number): Promise<Lease | undefined> {
    const { source, layout, pool, zeros, permits, readTimeoutMs, signal } = this.#options;
    this.#release ??= await permits.acquire(signal);
    if (this.#reader === undefined || this.#reader.index !== index) {
      await this.#reader?.close();
      this.#reader = new ChunkReader(source, layout, zeros, index);
    }
    const buffer = await pool.acquire({ timeoutMs: readTimeoutMs, signal });
    // What still reads into the buffer after a deadline keeps it from the pool.
    const reading = this.#reader.next(buffer);
    reading.catch(() => {
      pool.release(buffer);
    });
    try {
      const chunk = await within(`reading ${source.path}`, reading, { timeoutMs: readTimeoutMs, signal });
      if (chunk === undefined || chunk.zero) pool.release(buffer);
      if (chunk === undefined) return undefined;
      let released = false;
      return {
        index,
        lengthBytes: chunk.lengthBytes,
        data: chunk.zero ? undefined : buffer,
        release: () => {
          if (!released && !chunk.zero) pool.release(buffer);
          released = true;
        },
      };
    } catch (error) {
      if (signal.aborted) throw error;
      throw asSourceError(error, source.path);
    }
  }

  /** Lets somebody else read; the next take begins again. */
  async close(): Promise<void> {
    const [reader, release] = [this.#reader, this.#release];
    this.#reader = undefined;
    this.#release = undefined;
    await reader?.close().catch(() => undefined);
    release?.();
  }
}
