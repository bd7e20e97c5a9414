import { waitFor } from '../wait-for.ts';
import {
  checkCount,
  PoolOptionError,
  RingBufferClosedError,
  RingBufferFullError,
  RingBufferTimeoutError,
} from './errors.ts';

/**
 * What a full buffer does with one more item: `drop-oldest` makes room, `drop-newest` refuses it with `false`, and
 * `reject` throws, for a source that can slow down.
 */
export type OverflowPolicy = 'drop-oldest' | 'drop-newest' | 'reject';

/** How a ring buffer is made. */
export interface RingBufferOptions<T> {
  /** How many items it holds; at most 16 777 216, as all slots are made at once (8 bytes each). */
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
  /** Told of each item that is dropped, for instance to release what it holds. */
  readonly onDropped?: ((item: T) => void) | undefined;
}

/** How to wait for items. */
export interface WaitForItemsOptions {
  /** Milliseconds until a {@link RingBufferTimeoutError}; default: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Rejects the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Items of a queue; `undefined` is none, as it says that there is no item. */
export type QueueItem = string | number | bigint | boolean | symbol | object | null;

const policies: readonly string[] = ['drop-oldest', 'drop-newest', 'reject'] satisfies OverflowPolicy[];
/** Far more ends the process, as V8 cannot make the array. */
const maxCapacity = 2 ** 24;

/**
 * A queue of bounded size, first in first out; every operation takes the same time whatever it holds. A slot whose
 * item was taken refers to nothing. Nothing is dropped silently: see `dropped`.
 */
export class RingBuffer<T extends QueueItem> {
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
  readonly #onDropped: ((item: T) => void) | undefined;
  /** All slots exist from the start, so that the array never has holes. */
  readonly #slots: (T | undefined)[];
  #first = 0;
  #size = 0;
  #dropped = 0;
  #closed = false;
  #wakeUp: (() => void)[] = [];

  /** @throws PoolOptionError when the capacity is no whole number from 1 to 16 777 216, or there is no such policy */
  constructor({ capacity, overflow, onDropped }: RingBufferOptions<T>) {
    checkCount('capacity', capacity);
    if (capacity > maxCapacity)
      throw new PoolOptionError('capacity', `is ${capacity}: give at most ${maxCapacity}`);
    // Plain JavaScript may pass anything, and would learn of it only when something is lost.
    if (!policies.includes(overflow))
      throw new PoolOptionError('overflow', `is ${overflow}: give ${policies.join(', ')}`);
    this.capacity = capacity;
    this.overflow = overflow;
    this.#onDropped = onDropped;
    this.#slots = Array.from({ length: capacity }, () => undefined);
  }

  get size(): number {
    return this.#size;
  }

  /** Items lost to the overflow policy since the buffer was made. Those that `reject` refused are not lost. */
  get dropped(): number {
    return this.#dropped;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Adds an item; returns whether an item, old or new, was *not* dropped for it.
   * @throws RingBufferFullError under the policy `reject`, RingBufferClosedError
   */
  push(item: T): boolean {
    if (this.#closed) throw new RingBufferClosedError();
    if (this.#size === this.capacity) return this.#pushFull(item);
    this.#put(item);
    return true;
  }

  /** Takes the oldest item; undefined when there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#first];
    this.#slots[this.#first] = undefined;
    this.#first = this.#first + 1 === this.capacity ? 0 : this.#first + 1;
    this.#size -= 1;
    return item;
  }

  /** The oldest item, which stays. */
  peek(): T | undefined {
    return this.#slots[this.#first];
  }

  /** Takes up to `max` items, oldest first; default: all. */
  drain(max: number = this.#size): T[] {
    const items: T[] = [];
    while (items.length < max) {
      const item = this.shift();
      if (item === undefined) break;
      items.push(item);
    }
    return items;
  }

  /**
   * Resolves with true when there is an item, and with false when the buffer is closed and empty.
   * @throws RingBufferTimeoutError, or the reason of the signal
   */
  async waitForItems({ timeoutMs = Infinity, signal }: WaitForItemsOptions = {}): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    // Again, as somebody else may take the item before this goes on.
    while (this.#size === 0 && !this.#closed) {
      let wake: (() => void) | undefined;
      try {
        await waitFor(
          (done) => {
            wake = done;
            this.#wakeUp.push(done);
          },
          {
            timeoutMs: deadline - performance.now(),
            signal,
            late: () => new RingBufferTimeoutError(timeoutMs),
          },
        );
      } finally {
        this.#wakeUp = this.#wakeUp.filter((waiting) => waiting !== wake);
      }
    }
    return this.#size > 0;
  }

  /** Items in batches of 1 to `max`, as many as there are, until the buffer is closed and empty. For one reader. */
  async *batches(max: number, options: WaitForItemsOptions = {}): AsyncGenerator<T[], void, undefined> {
    checkCount('max', max);
    while (this.#size > 0 || (await this.waitForItems(options))) yield this.drain(max);
  }

  /** Items one by one, until the buffer is closed and empty. For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.shift();
      if (item !== undefined) yield item;
      else if (!(await this.waitForItems())) return;
    }
  }

  /** Takes nothing more; what it holds can still be read. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #pushFull(item: T): boolean {
    if (this.overflow === 'reject') throw new RingBufferFullError(this.capacity);
    this.#dropped += 1;
    const lost = this.overflow === 'drop-oldest' ? this.shift() : item;
    if (this.overflow === 'drop-oldest') this.#put(item);
    if (lost !== undefined) this.#onDropped?.(lost);
    return false;
  }

  #put(item: T): void {
    const end = this.#first + this.#size;
    this.#slots[end < this.capacity ? end : end - this.capacity] = item;
    this.#size += 1;
    if (this.#wakeUp.length > 0) this.#wake();
  }

  #wake(): void {
    const waiting = this.#wakeUp;
    this.#wakeUp = [];
    for (const wake of waiting) wake();
  }
}
