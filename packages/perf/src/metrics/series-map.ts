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
  /**
   * Forgets a series; one that is bound goes on counting, unseen. Tells whether there was one.
   *
   * @throws InvalidLabelsError as `labels`
   */
  remove(values: Readonly<Record<L, string>>): boolean;
  /** How many series there are, the overflow series not counted. */
  readonly size: number;
}

/** The value of every label of the series that takes what is beyond the most series. */
const OVERFLOW = '_overflow';

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

/** One label's values and what lies behind each: nested maps spare `labels` from building a key. */
class Branch<I> {
  readonly children = new Map<string, Branch<I>>();
  series: BoundSeries<I> | undefined;
}

/** The series of one metric by their label values. */
export class SeriesMap<I> implements Labelled<string, I> {
  readonly #options: SeriesMapOptions<I>;
  readonly #labelNames: readonly string[];
  readonly #root = new Branch<I>();
  /** In the order they were bound. */
  readonly #series = new Set<BoundSeries<I>>();
  #overflow: BoundSeries<I> | undefined;

  constructor(options: SeriesMapOptions<I>) {
    this.#options = options;
    this.#labelNames = options.labelNames;
  }

  get size(): number {
    return this.#series.size;
  }

  labels(values: Readonly<Record<string, string>>): I {
    let branch: Branch<I> | undefined = this.#root;
    for (const name of this.#labelNames) {
      const value = values[name];
      branch = value === undefined ? undefined : branch.children.get(value);
      if (branch === undefined) return this.#bind(values);
    }
    const { series } = branch;
    return series !== undefined && hasSize(values, this.#labelNames.length)
      ? series.instrument
      : this.#bind(values);
  }

  remove(values: Readonly<Record<string, string>>): boolean {
    return this.#removeBelow(this.#root, this.#inOrder(values));
  }

  /** All series, in the order they were bound; the overflow series comes last. */
  all(): BoundSeries<I>[] {
    const all = [...this.#series];
    if (this.#overflow !== undefined) all.push(this.#overflow);
    return all;
  }

  /** The slow way: checks, and makes the series that is not there yet. */
  #bind(values: Readonly<Record<string, string>>): I {
    const labelValues = this.#inOrder(values);
    const path = labelValues.reduce<Branch<I> | undefined>(
      (at, value) => at?.children.get(value),
      this.#root,
    );
    if (path?.series !== undefined) return path.series.instrument;
    const asksForOverflow = labelValues.length > 0 && labelValues.every((value) => value === OVERFLOW);
    if (asksForOverflow || this.#series.size >= this.#options.maxSeries) {
      // Asked for by name, it is the same series: one must not be written twice.
      if (!asksForOverflow) this.#options.onOverflow();
      this.#overflow ??= this.#create(labelValues.map(() => OVERFLOW));
      return this.#overflow.instrument;
    }
    let branch = this.#root;
    for (const value of labelValues) {
      const next = branch.children.get(value) ?? new Branch<I>();
      branch.children.set(value, next);
      branch = next;
    }
    branch.series = this.#create(labelValues);
    this.#series.add(branch.series);
    return branch.series.instrument;
  }

  /** Takes out the series and the branches that lead to nothing then. */
  #removeBelow(branch: Branch<I>, [value, ...rest]: readonly string[]): boolean {
    if (value === undefined) {
      const { series } = branch;
      branch.series = undefined;
      return series !== undefined && this.#series.delete(series);
    }
    const child = branch.children.get(value);
    if (child === undefined || !this.#removeBelow(child, rest)) return false;
    if (child.children.size === 0) branch.children.delete(value);
    return true;
  }

  /** The values in the order of the labels, well-formed. */
  #inOrder(values: Readonly<Record<string, string>>): string[] {
    const given: string[] = [];
    for (const name of this.#labelNames) {
      const value: unknown = values[name];
      if (typeof value === 'string') given.push(wellFormed(value));
    }
    if (given.length === this.#labelNames.length && hasSize(values, given.length)) return given;
    throw new InvalidLabelsError(
      this.#options.metric,
      this.#labelNames.filter((name) => typeof values[name] !== 'string'),
      Object.keys(values).filter((key) => !this.#labelNames.includes(key)),
    );
  }

  #create(labelValues: readonly string[]): BoundSeries<I> {
    const labelText = this.#labelNames
      .map((name, index) => `${name}="${escapeLabelValue(labelValues[index] ?? '')}"`)
      .join(',');
    return { labelValues, labelText, instrument: this.#options.create() };
  }
}

/** Whether an object has so many keys, without an array of them. */
function hasSize(values: object, size: number): boolean {
  let count = 0;
  for (const key in values) if (Object.hasOwn(values, key)) count += 1;
  return count === size;
}
