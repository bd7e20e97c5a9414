import type { ArtifactRecord, PhaseRecord } from '@osforge/checkpoint';
import { CommitFailedError, PhaseOutputError, RunEndedError, toError } from './errors.ts';
import type { Phase, PhaseResult } from './phase.ts';
import { PROVENANCE_KEY, withProvenance } from './provenance.ts';
import type { Provenance } from './provenance.ts';
import type { RunState } from './run-state.ts';
import { adopt, save } from './run-state.ts';

/** When a phase ran and what it ran on. */
export interface PhaseRunFacts {
  readonly inputsKey: string;
  readonly provenance: Provenance;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Monotonic milliseconds. */
  readonly startedMonotonic: number;
}

/**
 * Make a phase's result last: every artifact hashed and flushed, then the record renamed into place, and only
 * then `phase.completed`.
 * @throws PhaseOutputError, RunEndedError, CommitFailedError
 */
export async function commit(
  state: RunState,
  phase: Phase,
  result: PhaseResult,
  ranOn: PhaseRunFacts,
): Promise<void> {
  checkOutputs(phase, result);
  try {
    const artifacts = await recordAll(state, result);
    if (state.late.has(phase.name)) throw new RunEndedError(phase.name);
    const durationMs = Math.max(0, state.monotonic() - ranOn.startedMonotonic);
    const record: PhaseRecord = {
      state: 'done',
      inputsKey: ranOn.inputsKey,
      startedAt: new Date(ranOn.startedAt).toISOString(),
      completedAt: new Date(state.now()).toISOString(),
      durationMs,
      artifacts,
      data: withProvenance(result.data ?? {}, {
        ...ranOn.provenance,
        released: [...(state.releases.get(phase.name) ?? [])],
      }),
    };
    const percentComplete = percentSaved(state, phase.name);
    await save(
      state,
      (build) => ({ ...build, percentComplete, phases: { ...build.phases, [phase.name]: record } }),
      phase.name,
    );
    adopt(state, phase.name, record);
    state.registered.delete(phase.name);
    state.ran.push(phase.name);
    state.publish('phase.completed', {
      phase: phase.name,
      durationMs,
      artifacts: artifacts.map(({ name, path, sizeBytes, sha256 }) => ({ name, path, sizeBytes, sha256 })),
    });
    state.tracker.done(phase.name);
  } catch (error) {
    throw error instanceof RunEndedError ? error : new CommitFailedError(phase.name, error);
  }
}

/** Waits for all of them even when one fails, so that nothing works on behind the run's back. */
async function recordAll(state: RunState, result: PhaseResult): Promise<readonly ArtifactRecord[]> {
  const recorded = await Promise.allSettled(
    result.artifacts.map((artifact) => state.store.record(artifact, state.stop.abandoned)),
  );
  return recorded.map((one) => {
    if (one.status === 'rejected') throw toError(one.reason);
    return one.value;
  });
}

/**
 * Share of the work that is committed or reused, by weight, counting `alsoDone`; in tenths. What is skipped counts for
 * nothing, as in the percentage that is shown.
 */
export function percentSaved(state: RunState, ...alsoDone: readonly string[]): number {
  const finished = new Set([...state.ran, ...state.reused, ...alsoDone]);
  const requested = state.graph.ordered.filter(({ name }) => !state.skipped.includes(name));
  let total = 0;
  let done = 0;
  for (const { name, weight } of requested) {
    total += weight;
    if (finished.has(name)) done += weight;
  }
  return requested.every(({ name }) => finished.has(name)) ? 100 : Math.floor((done / total) * 1000) / 10;
}

function checkOutputs(phase: Phase, result: PhaseResult): void {
  const names = result.artifacts.map(({ name }) => name);
  const declared = phase.outputs;
  const problems = [
    ...names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `${name} is returned twice`),
    ...(declared ?? []).filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...names
      .filter((name) => declared !== undefined && !declared.includes(name))
      .map((name) => `${name} is not declared`),
    ...(result.data !== undefined && PROVENANCE_KEY in result.data
      ? [`data.${PROVENANCE_KEY} is reserved`]
      : []),
  ];
  if (problems.length > 0) throw new PhaseOutputError(phase.name, problems);
}
