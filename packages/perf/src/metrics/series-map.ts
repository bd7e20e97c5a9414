import { escapeLabelValue, wellFormed } from '../exposition/escape.ts';
import { InvalidLabelsError } from './errors.ts';

/** A metric with labels. Bind once, keep what is bound. */
export interface Labelled<L extends string, I> {
  /**
   * Binds the labels: the same values give the same series. Once the metric has its most series, further values
   * give the overflow series, whose every label is `_overflow`, and each such call is counted in
   * `osforge_metrics_series_dropped_total`.
   *
   * @param values a string for each label; halves of surrogate pairs become U+FFFD
   * @throws InvalidLabelsError when a label is missing, unknown or no string
   */
  labels(values: Readonly<Record<L, string>>): I;
  /** Forgets a series; one that is bound goes on counting, unseen. Tells whether there was one. */
  remove(values: Readonly<Record<L, string>>): boolean;
  /** How many series there are, the overflow series not counted. */
  readonly size: number;
}

/** The value of every label of the series that takes what is beyond the most series. */
export const OVERFLOW = '_overflow';

/** A series with its labels. */
export interface BoundSeries<I> {
  readonly labelValues: readonly string[];
  readonly labelText: string;
  readonly instrument: I;
}

export interface SeriesMapOptions<I> {
  readonly metric: string;
  readonly labelNames: readonly string[];
  readonly maxSeries: number;
  readonly create: () => I;
  /** Told of each binding beyond the most series. */
  readonly onOverflow: () => void;
}

/** The series of one metric by their label values. */
export class SeriesMap<I> implements Labelled<string, I> {
  readonly #options: SeriesMapOptions<I>;
  readonly #series = new Map<string, BoundSeries<I>>();
  #overflow: BoundSeries<I> | undefined;

  constructor(options: SeriesMapOptions<I>) {
    this.#options = options;
  }

  get size(): number {
    return this.#series.size;
  }

  labels(values: Readonly<Record<string, string>>): I {
    const given = this.#inOrder(values);
    const found = this.#series.get(keyOf(given));
    if (found !== undefined) return found.instrument;
    // Only what becomes a series is worth the search for broken surrogates.
    const labelValues = given.map(wellFormed);
    const key = keyOf(labelValues);
    const same = this.#series.get(key);
    if (same !== undefined) return same.instrument;
    const wantsOverflow = given.length > 0 && labelValues.every((value) => value === OVERFLOW);
    if (wantsOverflow || this.#series.size >= this.#options.maxSeries) {
      // Asked for by name, it is the same series: one must not be written twice.
      if (!wantsOverflow) this.#options.onOverflow();
      this.#overflow ??= this.#create(given.map(() => OVERFLOW));
      return this.#overflow.instrument;
    }
    const created = this.#create(labelValues);
    this.#series.set(key, created);
    return created.instrument;
  }

  remove(values: Readonly<Record<string, string>>): boolean {
    return this.#series.delete(keyOf(this.#inOrder(values).map(wellFormed)));
  }

  /** Forgets all series. */
  clear(): void {
    this.#series.clear();
    this.#overflow = undefined;
  }

  /** All series, in the order they were bound; the overflow series comes last. */
  all(): BoundSeries<I>[] {
    const all = [...this.#series.values()];
    if (this.#overflow !== undefined) all.push(this.#overflow);
    return all;
  }

  #inOrder(values: Readonly<Record<string, string>>): string[] {
    const { metric, labelNames } = this.#options;
    const given: string[] = [];
    for (const name of labelNames) {
      const value: unknown = values[name];
      if (typeof value === 'string') given.push(value);
    }
    const keys = Object.keys(values);
    if (given.length === labelNames.length && keys.length === labelNames.length) return given;
    const missing = labelNames.filter((name) => typeof values[name] !== 'string');
    throw new InvalidLabelsError(
      metric,
      missing,
      keys.filter((key) => !labelNames.includes(key)),
    );
  }

  #create(labelValues: readonly string[]): BoundSeries<I> {
    const labelText = this.#options.labelNames
      .map((name, index) => `${name}="${escapeLabelValue(labelValues[index] ?? '')}"`)
      .join(',');
    return { labelValues, labelText, instrument: this.#options.create() };
  }
}

/** Lengths keep `a|b, c` and `a, b|c` apart whatever the values contain. */
function keyOf(values: readonly string[]): string {
  if (values.length === 1) return values[0] ?? '';
  let key = '';
  for (const value of values) key += `${value.length}:${value}`;
  return key;
}
