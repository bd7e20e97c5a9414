/** From gentle to rough: power button, QMP `quit` (flushes), SIGTERM (flushes), SIGKILL (does not). */
export type StopRung = 'acpi' | 'quit' | 'sigterm' | 'sigkill';

export interface StopAttempt {
  readonly rung: StopRung;
  /** `ended`: the process ended on this rung. `refused`: it could not be tried. */
  readonly outcome: 'ended' | 'no-effect' | 'refused' | 'skipped';
  readonly detail?: string;
  readonly durationMs: number;
}

export interface StopReport {
  /** The rung that worked; `already-stopped` when nothing was left to do. */
  readonly rung: StopRung | 'already-stopped';
  readonly attempts: readonly StopAttempt[];
  readonly durationMs: number;
}

/** One way to end a machine. */
export interface StopStep {
  readonly rung: StopRung;
  readonly timeoutMs: number;
  /** Reason not to try it, if there is one. */
  skip?(): string | undefined | Promise<string | undefined>;
  act(): void | Promise<void>;
}

export interface ClimbOptions {
  /** True when the machine's process ended within the time; false at the deadline or on the signal. */
  readonly endsWithin: (timeoutMs: number, signal?: AbortSignal) => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
  /** Monotonic clock in ms. */
  readonly now: () => number;
}

/** Tries the steps in order until the machine has ended. When the signal fires, only the last step is left. */
export async function climbStopLadder(
  steps: readonly StopStep[],
  options: ClimbOptions,
): Promise<StopReport> {
  const { endsWithin, signal, now } = options;
  const startedAt = now();
  const attempts: StopAttempt[] = [];
  const report = (rung: StopReport['rung']): StopReport => ({
    rung,
    attempts,
    durationMs: now() - startedAt,
  });
  if (await endsWithin(0)) return report('already-stopped');
  for (const step of steps) {
    const last = step === steps.at(-1);
    const stepAt = now();
    const note = (outcome: StopAttempt['outcome'], detail?: string): void => {
      const durationMs = now() - stepAt;
      attempts.push({ rung: step.rung, outcome, durationMs, ...(detail === undefined ? {} : { detail }) });
    };
    const cut = signal?.aborted === true && !last ? 'cut short by the caller' : undefined;
    const reason = cut ?? (await step.skip?.());
    if (reason !== undefined) {
      note('skipped', reason);
      continue;
    }
    try {
      await step.act();
    } catch (error) {
      // The machine may have ended by itself meanwhile; then the refusal is the end.
      if (await endsWithin(0)) {
        note('ended');
        return report(step.rung);
      }
      note('refused', error instanceof Error ? error.message : String(error));
      continue;
    }
    if (await endsWithin(step.timeoutMs, last ? undefined : signal)) {
      note('ended');
      return report(step.rung);
    }
    note('no-effect');
  }
  throw new Error('The process did not end after SIGKILL: it hangs in the kernel, most likely on a disk.');
}
