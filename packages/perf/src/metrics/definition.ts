/** What every metric needs. */
export interface MetricDefinition {
  /** With its unit at the end, such as `osforge_phase_duration_seconds`; a counter's ends in `_total`. */
  readonly name: string;
  /** One sentence for whoever reads the dashboard. */
  readonly help: string;
}

/** A metric that is one series. `labels` is named so that a definition that has some is never taken for one without. */
export interface UnlabelledDefinition extends MetricDefinition {
  readonly labels?: undefined;
}

/** A metric that is cut by labels. */
export interface LabelledDefinition<L extends string> extends MetricDefinition {
  /** Names of the labels, in the order they are written. */
  readonly labels: readonly L[];
  /** Most series of this metric; default: the registry's. What is beyond goes to the overflow series. */
  readonly maxSeries?: number | undefined;
}

/** How a histogram records and what buckets it shows. */
export interface HistogramOptions {
  /**
   * Upper bounds of the buckets, rising; put one exactly on each alert limit. At most 250. Default, for seconds
   * only: 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10.
   */
  readonly bounds?: readonly number[] | undefined;
  /** Bins are narrower than 10^-digits of their values: 1 is 16 bins an octave, 2 (default) 128, 3 1024. */
  readonly significantDigits?: 1 | 2 | 3 | undefined;
  /** Values below share one bin. In the unit of the name; default 1e-9. */
  readonly lowest?: number | undefined;
  /** Values from here on share one bin. In the unit of the name; default 1e15. */
  readonly highest?: number | undefined;
}
