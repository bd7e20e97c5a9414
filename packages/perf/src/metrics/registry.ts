import { Collectors, type Collect, type CollectorFailure } from './collectors.ts';
import { CounterSeries, type Counter } from './counter.ts';
import type {
  HistogramOptions,
  LabelledDefinition,
  MetricDefinition,
  UnlabelledDefinition,
} from './definition.ts';
import { DuplicateMetricError, InvalidMetricOptionError } from './errors.ts';
import type { MetricFamily, MetricType } from './family.ts';
import { GaugeSeries, type Gauge } from './gauge.ts';
import { histogramShape } from './histogram-shape.ts';
import { HistogramSeries, type Histogram } from './histogram.ts';
import { checkLabelNames } from './label-names.ts';
import { checkMetricName, namesTaken } from './metric-name.ts';
import { bucketsOf, valueOf } from './read-series.ts';
import { SeriesMap, type Labelled } from './series-map.ts';
import type { MetricSource } from './source.ts';
import { waitUntil, type WaitOptions } from './wait-until.ts';

export interface RegistryOptions {
  /** Most series of a metric that does not say its own; default 1000. */
  readonly maxSeries?: number | undefined;
  /** How long a collector that does not say its own may take, in ms; default 1000. */
  readonly collectorTimeoutMs?: number | undefined;
  /** Told of each collector that failed, beside the count; `error` is undefined for one that still runs. */
  readonly onCollectorFailure?:
    ((collector: string, failure: CollectorFailure, error: unknown) => void) | undefined;
}

/**
 * Holds metrics. A definition that is given again gives the same metric.
 *
 * Each of `counter`, `gauge` and `histogram` throws InvalidMetricNameError, InvalidLabelNameError,
 * InvalidMetricOptionError for what it is given, and DuplicateMetricError when the name is taken by another
 * definition or by a series of another metric (`x_count` beside a histogram `x`).
 */
export interface Registry extends MetricSource {
  counter<const L extends string>(definition: LabelledDefinition<L>): Labelled<L, Counter>;
  counter(definition: UnlabelledDefinition): Counter;
  gauge<const L extends string>(definition: LabelledDefinition<L>): Labelled<L, Gauge>;
  gauge(definition: UnlabelledDefinition): Gauge;
  histogram<const L extends string>(
    definition: LabelledDefinition<L> & HistogramOptions,
  ): Labelled<L, Histogram>;
  histogram(definition: MetricDefinition & HistogramOptions): Histogram;
  /**
   * Adds what is read at each scrape, in parallel with the other collectors.
   *
   * @param name tells of it in `osforge_metrics_collector_failures_total`
   * @returns takes it out again
   */
  collector(
    name: string,
    collect: Collect,
    options?: { readonly timeoutMs?: number | undefined },
  ): () => void;
  /** Takes out a metric by its name; what is bound goes on counting, unseen. Tells whether there was one. */
  remove(name: string): boolean;
}

interface AnyDefinition extends MetricDefinition {
  readonly labels?: readonly string[] | undefined;
  readonly maxSeries?: number | undefined;
}

interface Entry {
  /** The definition, to tell whether another one is the same. */
  readonly definition: string;
  readonly names: readonly string[];
  readonly read: () => MetricFamily;
}

/** An empty registry. It opens nothing and keeps nothing alive. */
export function createRegistry(options: RegistryOptions = {}): Registry {
  return new MetricRegistry(options);
}

class MetricRegistry implements Registry {
  readonly #maxSeries: number;
  readonly #collectorTimeoutMs: number;
  readonly #entries = new Map<string, Entry>();
  /** Which metric has a name, in either format. */
  readonly #taken = new Map<string, string>();
  readonly #counters = new Map<string, SeriesMap<CounterSeries>>();
  readonly #gauges = new Map<string, SeriesMap<GaugeSeries>>();
  readonly #histograms = new Map<string, SeriesMap<HistogramSeries>>();
  readonly #dropped: Labelled<'metric', Counter>;
  readonly #invalid: Labelled<'metric', Counter>;
  readonly #failures: Labelled<'collector' | 'reason', Counter>;
  readonly #collectors: Collectors;
  #running: Promise<readonly MetricFamily[]> | undefined;

  constructor(options: RegistryOptions) {
    this.#maxSeries = options.maxSeries ?? 1000;
    this.#collectorTimeoutMs = options.collectorTimeoutMs ?? 1000;
    this.#dropped = this.counter({
      name: 'osforge_metrics_series_dropped_total',
      help: 'Bindings of new label values that went to the overflow series.',
      labels: ['metric'],
      maxSeries: Infinity,
    });
    this.#invalid = this.counter({
      name: 'osforge_metrics_invalid_values_total',
      help: 'Values that were not recorded: NaN, or infinite or negative where that has no meaning.',
      labels: ['metric'],
      maxSeries: Infinity,
    });
    this.#failures = this.counter({
      name: 'osforge_metrics_collector_failures_total',
      help: 'Collectors that gave nothing at a scrape: they threw, were late, or still ran.',
      labels: ['collector', 'reason'],
      maxSeries: Infinity,
    });
    this.#collectors = new Collectors((collector, reason, error) => {
      this.#failures.labels({ collector, reason }).inc();
      try {
        options.onCollectorFailure?.(collector, reason, error);
      } catch {
        // The listener's own failure must not break the scrape; the failure it was told of is counted.
      }
    });
  }

  counter<const L extends string>(definition: LabelledDefinition<L>): Labelled<L, Counter>;
  counter(definition: UnlabelledDefinition): Counter;
  counter(definition: AnyDefinition): Counter | Labelled<string, Counter> {
    const unit = checkMetricName(definition.name, 'counter');
    const map = this.#define(
      'counter',
      definition,
      '',
      this.#counters,
      (refuse) => new CounterSeries(refuse),
    );
    this.#addEntry('counter', definition, '', () => ({
      ...headOf(definition, unit),
      type: 'counter',
      series: map.all().map(valueOf),
    }));
    return definition.labels === undefined ? map.labels({}) : map;
  }

  gauge<const L extends string>(definition: LabelledDefinition<L>): Labelled<L, Gauge>;
  gauge(definition: UnlabelledDefinition): Gauge;
  gauge(definition: AnyDefinition): Gauge | Labelled<string, Gauge> {
    const unit = checkMetricName(definition.name, 'gauge');
    const map = this.#define('gauge', definition, '', this.#gauges, (refuse) => new GaugeSeries(refuse));
    this.#addEntry('gauge', definition, '', () => ({
      ...headOf(definition, unit),
      type: 'gauge',
      series: map.all().map(valueOf),
    }));
    return definition.labels === undefined ? map.labels({}) : map;
  }

  histogram<const L extends string>(
    definition: LabelledDefinition<L> & HistogramOptions,
  ): Labelled<L, Histogram>;
  histogram(definition: MetricDefinition & HistogramOptions): Histogram;
  histogram(definition: AnyDefinition & HistogramOptions): Histogram | Labelled<string, Histogram> {
    const unit = checkMetricName(definition.name, 'histogram');
    const shape = histogramShape(definition.name, unit, definition);
    const shapeKey = JSON.stringify(shape);
    const create = (refuse: () => void): HistogramSeries => new HistogramSeries(shape, refuse);
    const map = this.#define('histogram', definition, shapeKey, this.#histograms, create);
    this.#addEntry('histogram', definition, shapeKey, () => ({
      ...headOf(definition, unit),
      type: 'histogram',
      bounds: shape.bounds,
      series: map.all().map(bucketsOf),
    }));
    return definition.labels === undefined ? map.labels({}) : map;
  }

  collector(
    name: string,
    collect: Collect,
    options: { readonly timeoutMs?: number | undefined } = {},
  ): () => void {
    return this.#collectors.add(name, collect, options.timeoutMs ?? this.#collectorTimeoutMs);
  }

  remove(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    for (const each of entry.names) this.#taken.delete(each);
    for (const store of [this.#counters, this.#gauges, this.#histograms]) store.delete(name);
    return true;
  }

  async collect(options: WaitOptions = {}): Promise<readonly MetricFamily[]> {
    // Begun in a turn of its own: a collector that scrapes its own registry shares this run instead of the next one.
    this.#running ??= Promise.resolve()
      .then(() => this.#collectOnce())
      .finally(() => {
        this.#running = undefined;
      });
    return waitUntil('The scrape', this.#running, options);
  }

  async #collectOnce(): Promise<readonly MetricFamily[]> {
    await this.#collectors.run();
    return [...this.#entries.values()].map((entry) => entry.read());
  }

  /** The series of the metric: those there are when the definition is the same, else new ones. */
  #define<I>(
    type: MetricType,
    definition: AnyDefinition,
    shape: string,
    store: Map<string, SeriesMap<I>>,
    create: (refuse: () => void) => I,
  ): SeriesMap<I> {
    const { name, labels = [], maxSeries = this.#maxSeries } = definition;
    checkLabelNames(name, labels);
    if (!(maxSeries >= 1)) throw new InvalidMetricOptionError(name, 'maxSeries', 'give a number from 1 on.');
    const existing = store.get(name);
    if (
      existing !== undefined &&
      this.#entries.get(name)?.definition === definitionKey(type, definition, shape)
    ) {
      return existing;
    }
    for (const each of namesTaken(name, type)) {
      const owner = this.#taken.get(each);
      if (owner === name) throw new DuplicateMetricError(name, owner, 'it is there with another definition');
      if (owner !== undefined) throw new DuplicateMetricError(name, owner, `${owner} has the name ${each}`);
    }
    const map = new SeriesMap<I>({
      metric: name,
      labelNames: labels,
      maxSeries,
      create: () =>
        create(() => {
          this.#invalid.labels({ metric: name }).inc();
        }),
      onOverflow: () => {
        this.#dropped.labels({ metric: name }).inc();
      },
    });
    store.set(name, map);
    return map;
  }

  #addEntry(type: MetricType, definition: AnyDefinition, shape: string, read: () => MetricFamily): void {
    if (this.#entries.has(definition.name)) return;
    const names = namesTaken(definition.name, type);
    for (const each of names) this.#taken.set(each, definition.name);
    this.#entries.set(definition.name, {
      definition: definitionKey(type, definition, shape),
      names,
      read,
    });
  }
}

function definitionKey(type: MetricType, definition: AnyDefinition, shape: string): string {
  const { help, labels = null, maxSeries } = definition;
  return JSON.stringify([type, help, labels, String(maxSeries), shape]);
}

function headOf(
  definition: AnyDefinition,
  unit: string | undefined,
): Pick<MetricFamily, 'name' | 'help' | 'unit' | 'labelNames'> {
  const { name, help, labels = [] } = definition;
  return { name, help, unit, labelNames: [...labels] };
}
