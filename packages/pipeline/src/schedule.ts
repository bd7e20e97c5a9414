import { assess, upstreamOf } from './assess.ts';
import type { Decision } from './assess.ts';
import type { PhaseFailedError } from './errors.ts';
import { executePhase } from './execute-phase.ts';
import type { RunState } from './run-state.ts';
import type { SurveyedPhase } from './survey.ts';

/** What came of running the phases. */
export interface ScheduleEnd {
  /** What went wrong outside of any phase. */
  readonly error?: Error;
  /** The first failure is what stopped the run; others are phases that failed in their own right meanwhile. */
  readonly failures: readonly PhaseFailedError[];
  /** Phases that had not reacted when the run stopped waiting. */
  readonly late: readonly string[];
  /** Whether every phase is committed, reused or skipped. */
  readonly complete: boolean;
}

/**
 * Start every phase as soon as it may start, until nothing is left to start or the run is stopped; then wait for
 * those that run, at most until the stop's deadline. Decided anew after each phase, from its real result.
 */
export async function schedule(state: RunState, concurrency: number): Promise<ScheduleEnd> {
  const { running } = state;
  const failures: PhaseFailedError[] = [];
  const finished = new Set<string>(state.skipped);

  const start = (known: SurveyedPhase, reason: string): void => {
    const end = executePhase(state, known, reason).then((result) => {
      running.delete(known.name);
      if (result.state === 'committed') finished.add(known.name);
      if (result.state !== 'failed') return;
      failures.push(result.error);
      state.stop.fail(result.error);
    });
    running.set(known.name, end);
  };

  for (;;) {
    if (!state.stop.signal.aborted) {
      for (const name of newlySettled(state, finished)) {
        finished.add(name);
        state.reused.push(name);
        state.publish('phase.reused', { phase: name, reason: reuseReason(state, name) });
        state.tracker.done(name);
      }
      for (const [known, decision] of ready(state, new Set(running.keys()))) {
        if (running.size >= concurrency) break;
        finished.delete(known.name);
        start(known, decision.reason);
      }
    }
    if (running.size === 0) break;
    await Promise.race([...running.values(), state.stop.gaveUp]);
    if (state.stop.abandoned.aborted) break;
  }

  const late = [...running.keys()];
  for (const name of late) {
    state.late.add(name);
    state.publish('phase.cancelled', { phase: name, late: true });
  }
  return { failures, late, complete: finished.size === state.graph.ordered.length };
}

/** Phases whose records hold whatever the phases still to run may bring. */
function newlySettled(state: RunState, finished: ReadonlySet<string>): readonly string[] {
  const decisions = assess([...state.facts.values()], 'worst-case');
  return [...decisions]
    .filter(([name, { state }]) => state === 'valid' && !finished.has(name))
    .map(([name]) => name);
}

/** Phases that must run and have all that they need. */
function ready(
  state: RunState,
  running: ReadonlySet<string>,
): readonly (readonly [SurveyedPhase, Decision])[] {
  const decisions = assess([...state.facts.values()], 'certain');
  const found: (readonly [SurveyedPhase, Decision])[] = [];
  for (const known of state.facts.values()) {
    const decision = decisions.get(known.name);
    if (decision?.state !== 'must' || running.has(known.name)) continue;
    const upstreamDone = upstreamOf(known, state.facts).every(
      ({ name }) => decisions.get(name)?.state === 'valid' && !running.has(name),
    );
    // A phase that is made again must not change files under one that reads them right now.
    const readByRunning = [...running].some((other) => state.graph.dependsOn(other, known.name));
    if (upstreamDone && !readByRunning) found.push([known, decision]);
  }
  return found;
}

function reuseReason(state: RunState, name: string): string {
  const again = state.ran.filter((other) => state.graph.dependsOn(name, other));
  return again.length === 0
    ? 'nothing changed'
    : `upstream ${again.join(', ')} ran again with the same result`;
}
