import type { Checkpoint, PhaseRecord } from '@osforge/checkpoint';
import type { ArtifactStore } from './artifact-store.ts';
import type { Publish } from './events.ts';
import type { PhaseGraph } from './graph.ts';
import type { LiveResources } from './live.ts';
import type { Phase } from './phase.ts';
import type { Stop } from './stop.ts';
import type { SurveyedPhase } from './survey.ts';
import type { ProgressTracker } from './tracker.ts';

/** What the parts of one run share. */
export interface RunState {
  readonly graph: PhaseGraph<Phase>;
  readonly checkpoint: Checkpoint;
  readonly directory: string;
  readonly store: ArtifactStore;
  readonly publish: Publish;
  readonly stop: Stop;
  readonly live: LiveResources;
  readonly tracker: ProgressTracker;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds from any fixed point; never goes back. */
  readonly monotonic: () => number;
  /** What is known of each phase now; upstream first. Replaced as phases are committed. */
  readonly facts: Map<string, SurveyedPhase>;
  /** Phases that run now. */
  readonly running: Map<string, Promise<void>>;
  /** Phases that the run no longer waits for: nothing that they do counts. */
  readonly late: Set<string>;
  /** `done` once the run is over: nothing may become live any more. */
  readonly sealed: { done: boolean };
  /** Ledger entries of this run by the phase that registered them; dropped when it is committed. */
  readonly registered: Map<string, Set<string>>;
  /** Phases whose transient artifacts were released, by the phase that did it. */
  readonly releases: Map<string, Set<string>>;
  /** Names of phases that are done in this run, in the order in which they were. */
  readonly ran: string[];
  readonly reused: string[];
  readonly skipped: string[];
  /** Record updates that have begun and not ended; the run waits for them even when it ends at once. */
  readonly saving: Set<Promise<void>>;
}

/** Replace the record of a phase in what is known: its problem is solved by it. */
export function adopt(state: RunState, name: string, record: PhaseRecord): void {
  const known = state.facts.get(name);
  if (known !== undefined) state.facts.set(name, { ...known, record, problem: undefined });
}

/** Change the saved record, say how long it took, and let the run wait for it whatever happens. */
export async function save(
  state: RunState,
  change: Parameters<Checkpoint['update']>[0],
  phase?: string,
): Promise<void> {
  const started = state.monotonic();
  const saving = state.checkpoint.update(change);
  state.saving.add(saving);
  try {
    await saving;
  } finally {
    state.saving.delete(saving);
  }
  const durationMs = state.monotonic() - started;
  state.publish('checkpoint.saved', phase === undefined ? { durationMs } : { phase, durationMs });
}
