/** The kinds of metrics there are. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** One series of a counter or gauge, as it was at a scrape. */
export interface ValueSeries {
  /** In the order of the family's `labelNames`. */
  readonly labelValues: readonly string[];
  /** The labels as both formats write them, escaped, without braces; empty when there are none. */
  readonly labelText: string;
  readonly value: number;
}

/** One series of a histogram, as it was at a scrape. */
export interface BucketSeries {
  readonly labelValues: readonly string[];
  readonly labelText: string;
  /** For each bound of the family, how many recorded values are not above it. Exact. */
  readonly bucketCounts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

interface FamilyHead {
  /** As defined: that of a counter with `_total`. */
  readonly name: string;
  readonly help: string;
  /** In the singular of the name's ending, such as `seconds`; undefined when the name ends in no unit. */
  readonly unit: string | undefined;
  readonly labelNames: readonly string[];
}

/** All series of a counter or gauge. */
export interface ValueFamily extends FamilyHead {
  readonly type: 'counter' | 'gauge';
  readonly series: readonly ValueSeries[];
}

/** All series of a histogram. */
export interface HistogramFamily extends FamilyHead {
  readonly type: 'histogram';
  /** Upper bounds, rising, without `+Inf`. */
  readonly bounds: readonly number[];
  readonly series: readonly BucketSeries[];
}

/** One metric with all its series, as it was at a scrape. */
export type MetricFamily = ValueFamily | HistogramFamily;
