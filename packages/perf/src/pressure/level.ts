/** How short memory is. */
export type PressureLevel = 'normal' | 'elevated' | 'critical';

/** What is measured: the heap after a major collection, this process, and the control group it is in. */
export type PressureMeasure = 'heap' | 'rss' | 'cgroup';

/** Used by limit, 0 to 1; undefined where there is no figure yet or no limit. */
export type PressureFractions = Readonly<Record<PressureMeasure, number | undefined>>;

/** When a level is reached and left. */
export interface PressureThresholds {
  /** Fraction of a limit from which on memory is short; default 0.75. */
  readonly elevated: number;
  /** Fraction from which on it is very short; default 0.9. */
  readonly critical: number;
  /** How far below its threshold every fraction has to be before a level is left; default 0.05. */
  readonly margin: number;
  /** Milliseconds for which they have to stay there; default 10 000. */
  readonly calmMs: number;
}

export const defaultThresholds: PressureThresholds = {
  elevated: 0.75,
  critical: 0.9,
  margin: 0.05,
  calmMs: 10_000,
};

/** A level, and since when the readings speak for a lower one. */
export interface LevelState {
  readonly level: PressureLevel;
  /** Undefined when the last reading was not calm. */
  readonly calm: Calm | undefined;
}

/** Readings in a row that speak for a lower level. */
interface Calm {
  /** Time of the first of them. */
  readonly since: number;
  /** The worst level that one of them speaks for. */
  readonly worst: PressureLevel;
}

const ranks: Readonly<Record<PressureLevel, number>> = { normal: 0, elevated: 1, critical: 2 };

/** Whether `level` is as bad as `other`, or worse. */
export function isAtLeast(level: PressureLevel, other: PressureLevel): boolean {
  return ranks[level] >= ranks[other];
}

/** The measure with the largest fraction; undefined when nothing is known. */
export function worstMeasure(fractions: PressureFractions): PressureMeasure | undefined {
  const known = (['heap', 'rss', 'cgroup'] as const).filter((measure) => fractions[measure] !== undefined);
  return known.sort((a, b) => (fractions[b] ?? 0) - (fractions[a] ?? 0))[0];
}

/**
 * The level after one more reading. It rises at once. It falls when all fractions have been below the threshold by
 * `margin` for `calmMs`, and then no further than to the worst level of that time, so that a figure which hovers at a
 * threshold does not make it flap.
 */
export function nextLevel(
  { level, calm }: LevelState,
  fractions: PressureFractions,
  now: number,
  { elevated, critical, margin, calmMs }: PressureThresholds,
): LevelState {
  const worst = worstMeasure(fractions);
  const fraction = worst === undefined ? 0 : (fractions[worst] ?? 0);
  const at = (offset: number): PressureLevel => {
    if (fraction >= critical - offset) return 'critical';
    return fraction >= elevated - offset ? 'elevated' : 'normal';
  };
  const reached = at(0);
  if (isAtLeast(reached, level)) return { level: reached, calm: undefined };
  const remaining = at(margin);
  if (isAtLeast(remaining, level)) return { level, calm: undefined };
  const { since, worst: worstBefore } = calm ?? { since: now, worst: remaining };
  const worstOfCalm = isAtLeast(remaining, worstBefore) ? remaining : worstBefore;
  return now - since >= calmMs
    ? { level: worstOfCalm, calm: undefined }
    : { level, calm: { since, worst: worstOfCalm } };
}
