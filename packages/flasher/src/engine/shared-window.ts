import { BufferPool } from '@osforge/perf/pools';
import { asSourceError } from '../source/open-source.ts';
import type { ImageSource } from '../source/source.ts';
import { ChunkReader, type ReadChunk } from './chunk-reader.ts';
import { within } from './deadline.ts';
import type { ImageDigests } from './image-digests.ts';
import type { Layout } from './layout.ts';
import { reasonOf, waitAtMost, waitOrAbort } from './wait-at-most.ts';
import { Wake } from './wake.ts';

/** A chunk that stays in memory until it is released. */
export interface Lease {
  readonly index: number;
  readonly lengthBytes: number;
  /** Undefined if the chunk is all zeros. */
  readonly data: Buffer | undefined;
  release(): void;
}

/** What one target asks of the window. */
export interface Member {
  /** The lowest chunk that it has not taken so far. */
  next: number;
  attached: boolean;
  /** It stands at the head of the window and has nothing to do. */
  waiting: boolean;
}

export interface SharedWindowOptions {
  readonly source: ImageSource;
  readonly layout: Layout;
  /** Of shared memory: the digests are made by another thread. */
  readonly pool: BufferPool;
  /** How many of its buffers the read-ahead has for few targets; see {@link SharedWindow}. */
  readonly slots: number;
  readonly zeros: Buffer;
  readonly digests: ImageDigests;
  /** How long the fastest waits for the slowest before that one has to read for itself, in milliseconds. */
  readonly patienceMs: number;
  readonly readTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Clock in milliseconds. */
  readonly now: () => number;
}

interface Slot {
  readonly index: number;
  readonly lengthBytes: number;
  readonly data: Buffer | undefined;
  pins: number;
  evicted: boolean;
}

/** Zeros take no memory, but the list of them should not grow without limit either. */
const maxEntries = 4096;

/**
 * The image, read (and decompressed) once and ahead, for all targets that keep up. Memory is `slots` chunks, or as many
 * as there are targets and half of `slots`: were each of them hanging in a write, the next would still find room. When
 * all of it is in use, what no attached target needs any more makes room. If the fastest has nothing left to do because
 * the slowest still needs the oldest chunk, the slowest is detached: it reads for itself until it has caught up.
 */
export class SharedWindow {
  readonly #options: SharedWindowOptions;
  readonly #slots = new Map<number, Slot>();
  readonly #members = new Set<Member>();
  /** For the reader: something was taken, released, attached. */
  readonly #change = new Wake();
  /** For the targets: something was read. */
  readonly #published = new Wake();
  #head = 0;
  #ended = false;
  #failure: Error | undefined;
  #first: { readonly data: Buffer; readonly lengthBytes: number } | undefined;
  #reading: Promise<void> | undefined;
  #detachments = 0;

  constructor(options: SharedWindowOptions) {
    this.#options = options;
  }

  /** A new target, from the first chunk on. */
  join(): Member {
    const member: Member = { next: 0, attached: true, waiting: false };
    this.#members.add(member);
    this.#reading ??= this.#read();
    this.#change.notify();
    return member;
  }

  leave(member: Member): void {
    this.#members.delete(member);
    this.#change.notify();
  }

  /** A copy of the first chunk, which is written last; undefined before it was read. */
  get first(): { readonly data: Buffer; readonly lengthBytes: number } | undefined {
    return this.#first;
  }

  get detachments(): number {
    return this.#detachments;
  }

  /** Whether a chunk is in memory or still to be read: a target that fell behind has caught up then. */
  canTake(index: number): boolean {
    return index >= this.#head || this.#slots.has(index);
  }

  /** A chunk if it is in memory now; the member is attached again then. */
  tryTake(member: Member, index: number): Lease | undefined {
    const slot = this.#slots.get(index);
    if (slot === undefined) return undefined;
    member.attached = true;
    member.next = index + 1;
    slot.pins += 1;
    this.#change.notify();
    let released = false;
    return {
      index,
      lengthBytes: slot.lengthBytes,
      data: slot.data,
      release: () => {
        if (released) return;
        released = true;
        this.#unpin(slot);
      },
    };
  }

  /** The chunk as soon as it is there; `behind` if it was there and is gone; `end` after the last. */
  async take(member: Member, index: number, signal: AbortSignal): Promise<Lease | 'behind' | 'end'> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      signal.throwIfAborted();
      const lease = this.tryTake(member, index);
      if (lease !== undefined) return lease;
      if (index < this.#head) {
        member.attached = false;
        this.#change.notify();
        return 'behind';
      }
      if (this.#ended) return 'end';
      member.attached = true;
      member.next = index;
      member.waiting = true;
      this.#change.notify();
      // No deadline of its own: the reader has one for each read, and each target for each of its operations.
      await waitOrAbort(this.#published.wait(), signal);
      member.waiting = false;
    }
  }

  /** Settles when the reading is over; only after the signal or the end. */
  async closed(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { source, layout, zeros, digests, readTimeoutMs, signal } = this.#options;
    const reader = new ChunkReader(source, layout, zeros, 0);
    try {
      for (;;) {
        const buffer = await this.#freeBuffer();
        const reading = reader.next(buffer);
        const chunk = await within(`reading ${source.path}`, reading, { timeoutMs: readTimeoutMs, signal });
        if (chunk === undefined) {
          this.#options.pool.release(buffer);
          break;
        }
        this.#publish(chunk, buffer);
      }
      this.#ended = true;
      this.#published.notify();
      await waitOrAbort(digests.end(), signal);
    } catch (error) {
      if (signal.aborted) this.#failure = reasonOf(signal);
      else this.#failure = digests.failure ?? asSourceError(error, source.path);
      digests.fail(this.#failure);
    } finally {
      this.#published.notify();
      await reader.close().catch(() => undefined);
    }
  }

  #publish(chunk: ReadChunk, buffer: Buffer): void {
    const { index, lengthBytes, zero } = chunk;
    if (index === 0) this.#first = { data: alignedCopy(zero ? this.#options.zeros : buffer), lengthBytes };
    const slot: Slot = { index, lengthBytes, data: zero ? undefined : buffer, pins: 1, evicted: false };
    this.#slots.set(index, slot);
    this.#options.digests.add(chunk, buffer, () => {
      this.#unpin(slot);
    });
    if (zero) this.#options.pool.release(buffer);
    this.#head = index + 1;
    this.#published.notify();
  }

  async #freeBuffer(): Promise<Buffer> {
    const { pool, digests, patienceMs, signal, now } = this.#options;
    let starvedAt: number | undefined;
    for (;;) {
      signal.throwIfAborted();
      if (digests.failure !== undefined) throw digests.failure;
      if ([...this.#members].some(({ attached }) => attached)) {
        const free = this.#hasRoom() ? pool.tryAcquire() : undefined;
        if (free !== undefined) return free;
        if (this.#evict()) continue;
        const isHashing = digests.pending > 0; // which is nobody's fault, and over soon
        if (!isHashing && [...this.#members].some(({ waiting }) => waiting)) {
          // Somebody starves: give the slowest a moment, then go on without it.
          starvedAt ??= now();
          const left = starvedAt + patienceMs - now();
          if (left <= 0) this.#detachSlowest();
          await waitAtMost(this.#change.wait(), left <= 0 ? 0 : left, signal);
          continue;
        }
        starvedAt = undefined;
      }
      await waitOrAbort(this.#change.wait(), signal);
    }
  }

  #hasRoom(): boolean {
    const { pool, slots } = this.#options;
    const most = Math.max(slots, this.#members.size + Math.ceil(slots / 2));
    return this.#slots.size < maxEntries && pool.statistics.inUse < most;
  }

  /** Drops the chunks that no attached target needs; true if one was dropped. */
  #evict(): boolean {
    const needed = Math.min(...[...this.#members].filter(({ attached }) => attached).map(({ next }) => next));
    let dropped = false;
    for (const slot of this.#slots.values()) {
      if (slot.index >= needed) break;
      slot.evicted = true;
      this.#slots.delete(slot.index);
      dropped = true;
      this.#free(slot);
    }
    return dropped;
  }

  #detachSlowest(): void {
    const attached = [...this.#members].filter((member) => member.attached && !member.waiting);
    const slowest = Math.min(...attached.map(({ next }) => next));
    for (const member of attached.filter(({ next }) => next === slowest)) {
      member.attached = false;
      this.#detachments += 1;
    }
  }

  #unpin(slot: Slot): void {
    slot.pins -= 1;
    this.#free(slot);
    this.#change.notify();
  }

  #free(slot: Slot): void {
    if (slot.evicted && slot.pins === 0 && slot.data !== undefined) this.#options.pool.release(slot.data);
  }
}

/** On a page boundary, as direct writes want it. */
function alignedCopy(bytes: Buffer): Buffer {
  const copy = new BufferPool({ sizeBytes: bytes.length, count: 1 }).tryAcquire();
  if (copy === undefined) throw new Error('a new pool has a buffer');
  bytes.copy(copy);
  return copy;
}
