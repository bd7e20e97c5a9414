import { waitFor } from '../wait-for.ts';
import { alignedSlab, maxSlabBytes } from './aligned-slab.ts';
import {
  checkCount,
  DoubleReleaseError,
  ForeignReleaseError,
  PoolOptionError,
  PoolTimeoutError,
} from './errors.ts';

/** How a pool of buffers is made. */
export interface BufferPoolOptions {
  /** Bytes of each buffer; a multiple of {@link pageBytes}. */
  readonly sizeBytes: number;
  /** How many buffers; all memory is reserved at once, and used when it is written to. At most 4 GiB together. */
  readonly count: number;
  /**
   * True for memory that worker threads can be given too (`buffer.buffer` is a SharedArrayBuffer): nothing is copied or
   * transferred. A buffer must then be released only after the other thread is done with it. Default false.
   */
  readonly shared?: boolean | undefined;
}

/** How to wait for a buffer. */
export interface AcquireOptions {
  /** Milliseconds until a {@link PoolTimeoutError}; default 30 000. */
  readonly timeoutMs?: number | undefined;
  /** Rejects the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The state of a pool of buffers. */
export interface BufferPoolStatistics {
  readonly count: number;
  readonly inUse: number;
  /** The most that were in use at once. */
  readonly peak: number;
  /** How many callers wait for a buffer. */
  readonly waiting: number;
}

/** On what boundary each buffer starts: what O_DIRECT asks for at most on the machines that Node runs on. */
export const pageBytes = 4096;
const defaultTimeoutMs = 30_000;

/**
 * A fixed number of page-aligned buffers, for O_DIRECT and for large blocks that are read and written over and over.
 * The fixed number is also a limit on memory: whoever finds none waits, in order.
 */
export class BufferPool {
  readonly sizeBytes: number;
  readonly #buffers: readonly Buffer[];
  readonly #idle: Buffer[];
  readonly #out = new Set<Buffer>();
  readonly #waiting = new Set<(buffer: Buffer) => void>();
  #peak = 0;

  /** @throws PoolOptionError */
  constructor({ sizeBytes, count, shared }: BufferPoolOptions) {
    checkCount('count', count);
    checkCount('sizeBytes', sizeBytes);
    if (sizeBytes % pageBytes !== 0)
      throw new PoolOptionError('sizeBytes', `is ${sizeBytes}: give a multiple of ${pageBytes}`);
    if (sizeBytes * count > maxSlabBytes)
      throw new PoolOptionError(
        'count',
        `of ${count} buffers of ${sizeBytes} bytes is more than ${maxSlabBytes} bytes`,
      );
    this.sizeBytes = sizeBytes;
    const slab = alignedSlab(sizeBytes * count, shared);
    this.#buffers = Array.from({ length: count }, (_, index) =>
      Buffer.from(slab, index * sizeBytes, sizeBytes),
    );
    this.#idle = [...this.#buffers].reverse();
  }

  /** A buffer if one is free. Its content is what its last user left. */
  tryAcquire(): Buffer | undefined {
    const buffer = this.#idle.pop();
    if (buffer !== undefined) this.#handOut(buffer);
    return buffer;
  }

  /**
   * A buffer as soon as one is free; those who wait get theirs in the order in which they asked.
   * @throws PoolTimeoutError, or the reason of the signal
   */
  async acquire({ timeoutMs = defaultTimeoutMs, signal }: AcquireOptions = {}): Promise<Buffer> {
    signal?.throwIfAborted();
    const free = this.tryAcquire();
    if (free !== undefined) return free;

    let got: Buffer | undefined;
    let receive: ((buffer: Buffer) => void) | undefined;
    try {
      await waitFor(
        (done) => {
          receive = (buffer) => {
            got = buffer;
            done();
          };
          this.#waiting.add(receive);
        },
        { timeoutMs, signal, late: () => new PoolTimeoutError(timeoutMs, this.#out.size) },
      );
    } catch (error) {
      // An abort may come between the hand-over and the end of the wait.
      if (got !== undefined) this.release(got);
      throw error;
    } finally {
      if (receive !== undefined) this.#waiting.delete(receive);
    }
    if (got === undefined) throw new PoolTimeoutError(timeoutMs, this.#out.size);
    return got;
  }

  /** @throws DoubleReleaseError, ForeignReleaseError; the pool is as it was */
  release(buffer: Buffer): void {
    if (!this.#out.delete(buffer))
      throw this.#buffers.includes(buffer)
        ? new DoubleReleaseError('a buffer')
        : new ForeignReleaseError('a buffer');
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(buffer);
      return;
    }
    this.#waiting.delete(next);
    this.#handOut(buffer);
    next(buffer);
  }

  /** Calls `fn` with a buffer and releases it when that has settled. */
  async use<R>(fn: (buffer: Buffer) => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    const buffer = await this.acquire(options);
    try {
      return await fn(buffer);
    } finally {
      this.release(buffer);
    }
  }

  get statistics(): BufferPoolStatistics {
    return {
      count: this.#buffers.length,
      inUse: this.#out.size,
      peak: this.#peak,
      waiting: this.#waiting.size,
    };
  }

  #handOut(buffer: Buffer): void {
    this.#out.add(buffer);
    this.#peak = Math.max(this.#peak, this.#out.size);
  }
}
