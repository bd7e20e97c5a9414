import { artifactStore } from './artifact-store.ts';
import { disposeLive } from './clean-up.ts';
import { RunEndedError, toError } from './errors.ts';
import type { Publish } from './events.ts';
import type { PhaseGraph } from './graph.ts';
import { LiveResources } from './live.ts';
import { concludeRun } from './conclude.ts';
import type { Phase } from './phase.ts';
import { planOf } from './plan.ts';
import { prepareRecord } from './prepare-record.ts';
import { expectDurations } from './progress.ts';
import type { PipelineResult, RunPipelineOptions } from './run-options.ts';
import type { RunState } from './run-state.ts';
import { schedule } from './schedule.ts';
import type { ScheduleEnd } from './schedule.ts';
import { createStop } from './stop.ts';
import { survey } from './survey.ts';
import { createTracker } from './tracker.ts';

/** One run from the survey to the last event. Never rejects: whatever goes wrong is in the result. */
export async function execute(
  options: RunPipelineOptions,
  graph: PhaseGraph<Phase>,
  publish: Publish,
): Promise<PipelineResult> {
  const state = beginState(options, graph, publish);
  const startedAt = state.monotonic();
  try {
    let end: ScheduleEnd;
    try {
      end = await runPhases(state, options);
    } catch (error) {
      // Planning, or saving before the first phase; a cancel that ended it is told apart by `stop.kind`.
      end = { error: toError(error), failures: [], late: [], complete: false };
    }
    return await concludeRun(state, options, end, startedAt);
  } finally {
    state.stop.close();
    state.sealed.done = true;
    // Nothing is left here normally; a resource set while the others were being disposed of would be.
    await disposeLive(state, 'cancelled', options.disposeTimeoutMs ?? 10_000);
  }
}

async function runPhases(state: RunState, options: RunPipelineOptions): Promise<ScheduleEnd> {
  const fresh = options.fresh ?? false;
  const { checkpoint, graph, publish, stop } = state;
  const surveyed = await survey({
    graph,
    buildId: checkpoint.record.buildId,
    record: checkpoint.record,
    fresh,
    store: state.store,
    signal: stop.signal,
  });
  for (const known of surveyed) state.facts.set(known.name, known);
  const plan = planOf(surveyed);
  publish('pipeline.planned', { phases: plan.map(({ name, action, reason }) => ({ name, action, reason })) });
  for (const { name, action, reason } of plan) {
    if (action !== 'skip') continue;
    state.skipped.push(name);
    publish('phase.skipped', { phase: name, reason });
    state.tracker.leaveOut(name);
  }
  await prepareRecord(state, plan, fresh);
  return schedule(state, options.concurrency ?? Number.POSITIVE_INFINITY);
}

function beginState(options: RunPipelineOptions, graph: PhaseGraph<Phase>, publish: Publish): RunState {
  const monotonic = options.monotonic ?? performance.now.bind(performance);
  const deadlineMs = options.cancelTimeoutMs ?? 5000;
  const running = new Map<string, Promise<void>>();
  const sealed = { done: false };
  return {
    graph,
    checkpoint: options.checkpoint,
    directory: options.directory,
    store: options.store ?? artifactStore({ directory: options.directory, deep: options.deep ?? false }),
    publish,
    stop: createStop({
      signal: options.signal,
      abortNow: options.abortNow,
      deadlineMs,
      onStop: (kind) => {
        if (kind === 'cancelled')
          publish('pipeline.cancelling', { running: [...running.keys()], deadlineMs });
      },
    }),
    live: new LiveResources(() => {
      if (sealed.done) throw new RunEndedError('a late phase');
    }),
    tracker: createTracker({
      phases: graph.ordered,
      expectation: expectDurations(graph.ordered, options.history ?? durationsOf(options)),
      concurrency: options.concurrency ?? Number.POSITIVE_INFINITY,
      monotonic,
      publish,
    }),
    now: options.now ?? Date.now,
    monotonic,
    facts: new Map(),
    running,
    late: new Set(),
    sealed,
    registered: new Map(),
    releases: new Map(),
    ran: [],
    reused: [],
    skipped: [],
    saving: new Set(),
  };
}

/** What each phase took when it was last committed, also when that record does not hold any more. */
function durationsOf({ checkpoint }: RunPipelineOptions): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(checkpoint.record.phases)
      .filter(([, { state }]) => state === 'done')
      .map(([name, { durationMs }]) => [name, durationMs]),
  );
}
