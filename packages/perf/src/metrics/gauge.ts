/** A number that goes up and down. */
export interface Gauge {
  /**
   * @param value may be negative or infinite. NaN is not set: the last value stays, and it is counted in
   * `osforge_metrics_invalid_values_total` of the same registry. Never throws.
   */
  set(value: number): void;
  /** Adds, default 1; a result of NaN is refused as by `set`. */
  inc(value?: number): void;
  /** Takes away, default 1; a result of NaN is refused as by `set`. */
  dec(value?: number): void;
  readonly value: number;
}

/** A series of a gauge. */
export class GaugeSeries implements Gauge {
  #current = 0;
  readonly #refuse: () => void;

  /** @param refuse is told of each value that is NaN */
  constructor(refuse: () => void) {
    this.#refuse = refuse;
  }

  get value(): number {
    return this.#current;
  }

  set(value: number): void {
    if (!Number.isNaN(value)) this.#current = value;
    else this.#refuse();
  }

  inc(value = 1): void {
    this.set(this.#current + value);
  }

  dec(value = 1): void {
    this.set(this.#current - value);
  }
}
