/**
 * A number that only grows. Keep the bound counter; do not look it up for each increment. As every number of
 * JavaScript and of Prometheus it is a double, and counts one by one up to 2^53.
 */
export interface Counter {
  /**
   * @param value what to add, default 1. NaN, infinite and negative values are not added: they are counted in
   * `osforge_metrics_invalid_values_total` of the same registry. Never throws.
   */
  inc(value?: number): void;
  readonly value: number;
}

/** A series of a counter. */
export class CounterSeries implements Counter {
  #current = 0;
  readonly #refuse: () => void;

  /** @param refuse is told of each value that cannot be added */
  constructor(refuse: () => void) {
    this.#refuse = refuse;
  }

  get value(): number {
    return this.#current;
  }

  inc(value = 1): void {
    // One comparison refuses NaN and what is negative.
    if (value >= 0 && value < Infinity) this.#current += value;
    else this.#refuse();
  }
}
