import { currentResult, upstreamOf } from './assess.ts';
import { commit } from './commit.ts';
import type { PhaseRunFacts } from './commit.ts';
import { CommitFailedError, PhaseFailedError, RunEndedError, messageOf } from './errors.ts';
import type { PhaseResult } from './phase.ts';
import { failure, phaseContext, publishRetry } from './phase-context.ts';
import { SKIPPED_RESULT } from './provenance.ts';
import { retryTransient } from './retry.ts';
import type { RunState } from './run-state.ts';
import type { SurveyedPhase } from './survey.ts';

/** How one phase ended. `late`: nobody waits for it any more and nothing was said. */
export type PhaseEnd =
  | { readonly state: 'committed' | 'cancelled' | 'late' }
  | { readonly state: 'failed'; readonly error: PhaseFailedError };

/** Run one phase with its retries and commit what it returns. Never rejects. */
export async function executePhase(state: RunState, known: SurveyedPhase, reason: string): Promise<PhaseEnd> {
  const { phase, name } = known;
  // Taken now: should an upstream phase be made again meanwhile, this result belongs to the earlier one.
  const ranOn = runFacts(state, known);
  let attempts = 0;
  const attemptOnce = async (attempt: number): Promise<PhaseResult> => {
    attempts = attempt;
    state.publish('phase.started', { phase: name, attempt, reason });
    return phase.run(phaseContext(state, phase, attempt));
  };
  state.tracker.started(name);
  try {
    const result =
      phase.retry === undefined
        ? await attemptOnce(1)
        : await retryTransient(attemptOnce, phase.retry, state.stop.signal, publishRetry(state, name, name));
    if (state.late.has(name)) return { state: 'late' };
    await commit(state, phase, result, ranOn);
    return { state: 'committed' };
  } catch (error) {
    if (state.late.has(name) || error instanceof RunEndedError) return { state: 'late' };
    // What a phase throws after it was told to stop is the answer to that; a failed commit never is.
    if (state.stop.signal.aborted && !(error instanceof CommitFailedError)) {
      state.publish('phase.cancelled', { phase: name, late: false, message: messageOf(error) });
      return { state: 'cancelled' };
    }
    const failed = new PhaseFailedError(name, attempts, error);
    state.publish('phase.failed', { phase: name, attempt: attempts, ...failure(failed) });
    return { state: 'failed', error: failed };
  }
}

function runFacts(state: RunState, known: SurveyedPhase): PhaseRunFacts {
  const upstream: Record<string, { key: string; result: string }> = {};
  // A skipped dependency has no result, but its key is part of this phase's key and explains a change of it.
  for (const [name, key] of Object.entries(known.upstreamKeys))
    upstream[name] = { key, result: SKIPPED_RESULT };
  for (const fact of upstreamOf(known, state.facts)) {
    upstream[fact.name] = { key: fact.inputsKey, result: currentResult(fact) };
  }
  return {
    inputsKey: known.inputsKey,
    provenance: {
      phaseVersion: known.phase.version,
      inputs: known.inputs,
      upstream,
      released: [],
    },
    startedAt: state.now(),
    startedMonotonic: state.monotonic(),
  };
}
