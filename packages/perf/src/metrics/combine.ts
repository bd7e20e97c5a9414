import { formatBound } from '../exposition/number.ts';
import type { BucketSeries, HistogramFamily, MetricFamily, ValueFamily, ValueSeries } from './family.ts';
import { namesTaken } from './metric-name.ts';
import type { MetricSource } from './source.ts';
import { waitUntil, type WaitOptions } from './wait-until.ts';

/** Counts what could not be combined. */
const conflictsName = 'osforge_metrics_conflicts_total';

/**
 * One source of several, scraped together. Series of the same metric are put side by side; where two have the same
 * labels, counters and histograms are added up and of gauges the earlier source's stays. A metric that an earlier
 * source defines otherwise (type, labels, bounds), or a gauge that had to give way, is left out and counted in
 * `osforge_metrics_conflicts_total`, which is there once that has happened.
 */
export function combine(...sources: readonly MetricSource[]): MetricSource {
  const conflicts = new Map<string, number>();
  const collectAll = async (): Promise<readonly MetricFamily[]> => {
    const collected = await Promise.all(sources.map((source) => source.collect()));
    const merged = new Merge((metric) => {
      conflicts.set(metric, (conflicts.get(metric) ?? 0) + 1);
    });
    for (const family of collected.flat()) merged.add(family);
    if (conflicts.size > 0) merged.add(conflictsFamily(conflicts));
    return merged.families();
  };
  let running: Promise<readonly MetricFamily[]> | undefined;
  return {
    async collect(options: WaitOptions = {}): Promise<readonly MetricFamily[]> {
      running ??= collectAll().finally(() => {
        running = undefined;
      });
      return waitUntil('The scrape', running, options);
    },
  };
}

class Merge {
  readonly #byName = new Map<string, MetricFamily>();
  readonly #taken = new Map<string, string>();
  readonly #onConflict: (metric: string) => void;

  constructor(onConflict: (metric: string) => void) {
    this.#onConflict = onConflict;
  }

  families(): readonly MetricFamily[] {
    return [...this.#byName.values()];
  }

  add(family: MetricFamily): void {
    const { name } = family;
    const existing = this.#byName.get(name);
    if (existing === undefined) {
      const names = namesTaken(name, family.type);
      if (names.some((each) => this.#taken.has(each))) {
        this.#onConflict(name);
        return;
      }
      for (const each of names) this.#taken.set(each, name);
      this.#byName.set(name, family);
    } else if (shapeOf(existing) !== shapeOf(family)) {
      this.#onConflict(name);
    } else if (existing.type === 'histogram') {
      if (family.type === 'histogram') this.#byName.set(name, mergeHistograms(existing, family));
    } else if (family.type !== 'histogram') {
      this.#byName.set(name, this.#mergeValues(existing, family));
    }
  }

  #mergeValues(first: ValueFamily, second: ValueFamily): ValueFamily {
    const series = mergeSeries<ValueSeries>(first.series, second.series, (one, other) => {
      if (first.type === 'counter') return { ...one, value: one.value + other.value };
      this.#onConflict(first.name);
      return one;
    });
    return { ...first, series };
  }
}

function mergeHistograms(first: HistogramFamily, second: HistogramFamily): HistogramFamily {
  const series = mergeSeries<BucketSeries>(first.series, second.series, (one, other) => ({
    ...one,
    bucketCounts: one.bucketCounts.map((count, index) => count + (other.bucketCounts[index] ?? 0)),
    count: one.count + other.count,
    sum: one.sum + other.sum,
  }));
  return { ...first, series };
}

function mergeSeries<S extends ValueSeries | BucketSeries>(
  first: readonly S[],
  second: readonly S[],
  add: (one: S, other: S) => S,
): readonly S[] {
  // The text is escaped and in the order of the labels: it is the same for the same labels only.
  const byLabels = new Map(first.map((series) => [series.labelText, series]));
  for (const series of second) {
    const same = byLabels.get(series.labelText);
    byLabels.set(series.labelText, same === undefined ? series : add(same, series));
  }
  return [...byLabels.values()];
}

/** What two families of one name must share to be one metric. */
function shapeOf(family: MetricFamily): string {
  const bounds = family.type === 'histogram' ? family.bounds.map(formatBound) : [];
  return [family.type, family.labelNames.join(','), bounds.join(',')].join(' ');
}

function conflictsFamily(conflicts: ReadonlyMap<string, number>): ValueFamily {
  return {
    name: conflictsName,
    help: 'Metrics or gauges of a later source that were left out, as an earlier one has them otherwise.',
    type: 'counter',
    unit: undefined,
    labelNames: ['metric'],
    // Names of metrics need no escaping.
    series: [...conflicts].map(([metric, value]) => ({
      labelValues: [metric],
      labelText: `metric="${metric}"`,
      value,
    })),
  };
}
