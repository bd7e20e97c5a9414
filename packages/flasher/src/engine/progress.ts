/** What a target is doing. */
export type TargetState =
  | 'waiting'
  | 'opening'
  | 'discarding'
  | 'resuming'
  | 'writing'
  | 'finishing'
  | 'done'
  | 'failed'
  | 'cancelled';

/** Where a target stands. Plain data; also the rows of a live table. */
export interface TargetProgress {
  readonly id: string;
  readonly path: string;
  readonly state: TargetState;
  /** The image up to here is on the target: written, or seen to be there. */
  readonly doneBytes: number;
  /** Up to here it was read back and is right; stays 0 without verification. */
  readonly verifiedBytes: number;
  /** Size of the image; undefined while that is not known (compressed without a size). */
  readonly totalBytes: number | undefined;
  /** Of the last seconds. */
  readonly bytesPerSecond: number;
  /** Until the last byte is written and verified, in milliseconds; undefined while that cannot be said. */
  readonly etaMs: number | undefined;
  /** True while the target reads the image for itself because it is slower than the others. */
  readonly behind: boolean;
  /** Writes under way at once, at most. */
  readonly queueDepth: number;
  /** In the states failed and cancelled. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

const intervalMs = 200;
/** After so long, what was measured before counts for a third. */
const memoryMs = 3000;

/** The speed of the last seconds. */
export class Speed {
  readonly #now: () => number;
  #at: number;
  #bytes = 0;
  #perMs: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#at = now();
  }

  /** How much is done in all. Looked at now and then only. */
  update(doneBytes: number): void {
    const elapsed = this.#now() - this.#at;
    if (elapsed < intervalMs) return;
    const rate = Math.max(0, doneBytes - this.#bytes) / elapsed;
    const weight = 1 - Math.exp(-elapsed / memoryMs);
    this.#perMs = this.#perMs === undefined ? rate : this.#perMs + weight * (rate - this.#perMs);
    this.#at += elapsed;
    this.#bytes = doneBytes;
  }

  get bytesPerSecond(): number {
    return Math.round((this.#perMs ?? 0) * 1000);
  }
}

/** Lets one through each so many milliseconds; asked by what happens, not by a timer. */
export class Throttle {
  readonly #now: () => number;
  #next = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  due(): boolean {
    const now = this.#now();
    if (now < this.#next) return false;
    this.#next = now + intervalMs;
    return true;
  }
}
