/** A phase as the progress reckoning sees it. */
export interface ProgressNode {
  readonly name: string;
  readonly weight: number;
  readonly dependsOn: readonly string[];
}

/** Expected durations of phases. Without `known`, they are weights and no time can be told from them. */
export interface Expectation {
  readonly known: boolean;
  /** Milliseconds when `known`, otherwise the plain weight. */
  readonly durations: ReadonlyMap<string, number>;
}

/**
 * Expected duration of each phase: what it took before, or else its weight scaled by what the known ones took
 * per weight. `history` maps phase names to milliseconds.
 */
export function expectDurations(
  phases: readonly ProgressNode[],
  history: Readonly<Record<string, number>>,
): Expectation {
  let knownMs = 0;
  let knownWeight = 0;
  for (const { name, weight } of phases) {
    const ms = history[name];
    if (ms === undefined || !Number.isFinite(ms) || ms < 0) continue;
    knownMs += ms;
    knownWeight += weight;
  }
  const known = knownWeight > 0;
  const perWeight = known ? knownMs / knownWeight : 1;
  const durations = new Map(
    phases.map(({ name, weight }) => {
      const ms = history[name];
      const usable = ms !== undefined && Number.isFinite(ms) && ms >= 0;
      // Never 0: a phase that once took no time still has to count for something.
      return [name, Math.max(usable ? ms : weight * perWeight, known ? 1 : Number.MIN_VALUE)];
    }),
  );
  return { known, durations };
}

/** How far one phase is. */
export interface PhaseProgress {
  /** 0..1; 1 only when it is committed, reused or skipped. */
  readonly fraction: number;
  /** Milliseconds since it started, undefined when it has not. */
  readonly elapsedMs: number | undefined;
}

/** Share of all expected work that is done, 0..100, not rounded. */
export function percentDone(expectation: Expectation, at: (phase: string) => number): number {
  let total = 0;
  let done = 0;
  for (const [name, duration] of expectation.durations) {
    total += duration;
    done += duration * at(name);
  }
  return total === 0 ? 100 : (done / total) * 100;
}

/**
 * Expected milliseconds until everything is done, or undefined without history: the longest chain of what is
 * left, or all of it divided by `concurrency` where that is more. `phases` come upstream first.
 */
export function remainingMs(
  phases: readonly ProgressNode[],
  expectation: Expectation,
  at: (phase: string) => PhaseProgress,
  concurrency: number,
): number | undefined {
  if (!expectation.known) return undefined;
  const ends = new Map<string, number>();
  let longest = 0;
  let sum = 0;
  for (const { name, dependsOn } of phases) {
    const expected = expectation.durations.get(name) ?? 0;
    const { fraction, elapsedMs } = at(name);
    const left =
      fraction > 0 || elapsedMs === undefined ? expected * (1 - fraction) : Math.max(0, expected - elapsedMs);
    const start = Math.max(0, ...dependsOn.map((upstream) => ends.get(upstream) ?? 0));
    ends.set(name, start + left);
    longest = Math.max(longest, start + left);
    sum += left;
  }
  return Math.round(Math.max(longest, sum / concurrency));
}
