import { binOf, lowerEdge } from './double-bins.ts';

/** The figures of one series, since it began. */
export interface HistogramSnapshot {
  readonly count: number;
  /** Exact but for the rounding of floating-point addition. */
  readonly sum: number;
  /** Exact; undefined before the first value, as all below. */
  readonly min: number | undefined;
  /** Exact. */
  readonly max: number | undefined;
  /** Off by less than half of a bin: 0.4 % with two significant digits. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
}

/** Records a distribution. Keep the bound histogram; do not look it up for each value. */
export interface Histogram {
  /**
   * @param value in the unit of the name. NaN, infinite and negative values are not recorded: they are counted
   * in `osforge_metrics_invalid_values_total` of the same registry. Never throws.
   */
  record(value: number): void;
  /**
   * @param percent 0 (the smallest) to 100 (the largest); what lies outside is taken as the nearer of the two
   * @returns the value that so many percent of those recorded do not exceed (nearest rank), undefined before the
   * first value
   */
  percentile(percent: number): number | undefined;
  snapshot(): HistogramSnapshot;
}

/** What all series of a histogram share. */
export interface HistogramShape {
  /** Upper bounds of the buckets, rising, each from `lowest` to below `highest`. */
  readonly bounds: readonly number[];
  /** Bits of the fraction that make a bin. */
  readonly bits: number;
  /** Values below this one share a bin. Positive. */
  readonly lowest: number;
  /** Values from this one on share a bin. */
  readonly highest: number;
}

/**
 * A series of a histogram: counts in log-linear bins, held in one array that grows to the octaves that occur.
 *
 * The bounds of the buckets lie inside of bins. To tell exactly how many values are not above a bound, the values
 * that fall in the bin of a bound are compared with it as they come; all other bins lie on one side of it.
 */
export class HistogramSeries implements Histogram {
  readonly #shape: HistogramShape;
  readonly #bits: number;
  readonly #lowest: number;
  readonly #highest: number;
  readonly #refuse: () => void;
  /** The bin of each bound. */
  readonly #boundBins: readonly number[];
  /** For each bound, the values in its bin that are not above it. */
  readonly #notAbove: Float64Array;

  /** Counts of the bins from `#first` on. */
  #counts = new Float64Array(0);
  /** Beside each count: 0, or 1 + the index of the first bound in that bin. */
  #boundIn = new Uint8Array(0);
  #first = 0;
  #below = 0;
  #above = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;

  /** @param refuse is told of each value that cannot be recorded */
  constructor(shape: HistogramShape, refuse: () => void) {
    this.#shape = shape;
    this.#bits = shape.bits;
    this.#lowest = shape.lowest;
    this.#highest = shape.highest;
    this.#refuse = refuse;
    this.#boundBins = shape.bounds.map((bound) => binOf(bound, shape.bits));
    this.#notAbove = new Float64Array(shape.bounds.length);
  }

  record(value: number): void {
    if (value >= this.#lowest && value < this.#highest) {
      let at = binOf(value, this.#bits) - this.#first;
      if (at < 0 || at >= this.#counts.length) at = this.#makeRoom(value);
      this.#counts[at] = (this.#counts[at] ?? 0) + 1;
      if (this.#boundIn[at] !== 0) this.#compareWithBounds(at, value);
    } else if (value >= 0 && value < this.#lowest) {
      this.#below += 1;
    } else if (value >= this.#highest && value < Infinity) {
      this.#above += 1;
    } else {
      this.#refuse();
      return;
    }
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  percentile(percent: number): number | undefined {
    const count = this.count();
    if (count === 0) return undefined;
    // Multiplied first: 7 / 100 * 100 is more than 7.
    const rank = Math.max(1, Math.ceil((Math.min(100, Math.max(0, percent)) * count) / 100));
    if (rank >= count) return this.#max;
    if (rank === 1) return this.#min;
    return Math.min(this.#max, Math.max(this.#min, this.#valueOfRank(rank)));
  }

  snapshot(): HistogramSnapshot {
    const count = this.count();
    const some = count > 0;
    return {
      count,
      sum: this.#sum,
      min: some ? this.#min : undefined,
      max: some ? this.#max : undefined,
      p50: this.percentile(50),
      p95: this.percentile(95),
      p99: this.percentile(99),
    };
  }

  /** Added up when asked, so that `record` need not count. */
  count(): number {
    const counts = this.#counts;
    let count = this.#below + this.#above;
    for (let at = 0; at < counts.length; at += 1) count += counts[at] ?? 0;
    return count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** For each bound, how many values are not above it; and how many there are. In one pass. */
  buckets(): { bucketCounts: number[]; count: number } {
    // Plain loops over local variables: this is most of the time of a scrape.
    const counts = this.#counts;
    const bucketCounts: number[] = [];
    let next = 0;
    let seen = this.#below;
    for (const bin of this.#boundBins) {
      const end = Math.min(bin - this.#first, counts.length);
      for (; next < end; next += 1) seen += counts[next] ?? 0;
      bucketCounts.push(seen + (this.#notAbove[bucketCounts.length] ?? 0));
    }
    for (; next < counts.length; next += 1) seen += counts[next] ?? 0;
    return { bucketCounts, count: seen + this.#above };
  }

  #valueOfRank(rank: number): number {
    let seen = this.#below;
    if (rank <= seen) return this.#lowest / 2;
    for (let at = 0; at < this.#counts.length; at += 1) {
      seen += this.#counts[at] ?? 0;
      if (rank <= seen) {
        const bin = this.#first + at;
        return (lowerEdge(bin, this.#bits) + lowerEdge(bin + 1, this.#bits)) / 2;
      }
    }
    return this.#max;
  }

  #compareWithBounds(at: number, value: number): void {
    const bin = this.#first + at;
    const { bounds } = this.#shape;
    for (let index = (this.#boundIn[at] ?? 0) - 1; this.#boundBins[index] === bin; index += 1) {
      if (value <= (bounds[index] ?? 0)) this.#notAbove[index] = (this.#notAbove[index] ?? 0) + 1;
    }
  }

  /** Lets the array reach to the octave of `value`, and gives the place of its bin. */
  #makeRoom(value: number): number {
    const bin = binOf(value, this.#bits);
    const octave = 1 << this.#bits;
    const start = bin - (bin % octave);
    const empty = this.#counts.length === 0;
    const first = empty ? start : Math.min(start, this.#first);
    const end = empty ? start + octave : Math.max(start + octave, this.#first + this.#counts.length);
    const counts = new Float64Array(end - first);
    if (!empty) counts.set(this.#counts, this.#first - first);
    const boundIn = new Uint8Array(end - first);
    this.#boundBins.forEach((boundBin, index) => {
      const at = boundBin - first;
      if (at >= 0 && at < boundIn.length && boundIn[at] === 0) boundIn[at] = index + 1;
    });
    this.#first = first;
    this.#counts = counts;
    this.#boundIn = boundIn;
    return bin - first;
  }
}
