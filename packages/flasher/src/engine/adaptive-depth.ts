/** How many operations make one measurement. */
const epochOperations = 16;
/** A change below this share is noise. */
const significant = 0.05;

/**
 * How many writes one target has under way. It climbs while that makes the target faster, steps back where it does not,
 * and prefers the smaller number where both are the same: every write under way holds a chunk of the shared window.
 */
export class AdaptiveDepth {
  #current: number;
  #max: number;
  #direction = 1;
  #operations = 0;
  #bytes = 0;
  #startedAt: number | undefined;
  #previous: number | undefined;
  readonly #now: () => number;

  constructor(max: number, now: () => number) {
    this.#max = Math.max(1, max);
    this.#current = Math.min(2, this.#max);
    this.#now = now;
  }

  get current(): number {
    return Math.min(this.#current, this.#max);
  }

  /** More targets, less for each. */
  set max(max: number) {
    this.#max = Math.max(1, max);
  }

  /** A write of so many bytes is done. */
  completed(bytes: number): void {
    const now = this.#now();
    this.#startedAt ??= now;
    this.#operations += 1;
    this.#bytes += bytes;
    if (this.#operations < epochOperations || now <= this.#startedAt) return;
    const rate = this.#bytes / (now - this.#startedAt);
    const previous = this.#previous ?? 0;
    if (rate < previous * (1 - significant)) this.#direction = -this.#direction;
    else if (rate < previous * (1 + significant)) this.#direction = -1;
    this.#current = Math.min(this.#max, Math.max(1, this.#current + this.#direction));
    if (this.#current === 1) this.#direction = 1;
    this.#previous = rate;
    this.#operations = 0;
    this.#bytes = 0;
    this.#startedAt = now;
  }
}
