import type { BuildRecord } from '@osforge/checkpoint';
import { artifactStore } from './artifact-store.ts';
import { assess } from './assess.ts';
import { buildGraph } from './graph.ts';
import type { Phase, PhasePlan } from './phase.ts';
import type { SurveyedPhase } from './survey.ts';
import { survey } from './survey.ts';

export interface PlanOptions {
  /** The build folder that relative artifact paths start from. */
  readonly directory: string;
  /** Default: the record's, or `''` for a build that has never run. */
  readonly buildId?: string;
  /** Run everything again; default false. */
  readonly fresh?: boolean;
  /** Hash every artifact again, even when size, times and inode are as recorded; default false. */
  readonly deep?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * What `runPipeline` would do, upstream phases first, with the reason for each phase. Changes nothing.
 *
 * A phase is listed as `run` when it has to run or when its upstream runs again; in the second case a run
 * may still find that the upstream's new result equals the old one and reuse the phase after all.
 *
 * @param record the build as last saved; undefined when it has never run
 * @throws DuplicatePhaseError, UnknownPhaseError, PhaseCycleError, PhaseDefinitionError, PlanFailedError; the
 * abort reason when `signal` is aborted
 */
export async function planPipeline(
  phases: readonly Phase[],
  record: BuildRecord | undefined,
  options: PlanOptions,
): Promise<readonly PhasePlan[]> {
  const surveyed = await survey({
    graph: buildGraph(phases),
    buildId: options.buildId ?? record?.buildId ?? '',
    record,
    fresh: options.fresh ?? false,
    store: artifactStore({ directory: options.directory, deep: options.deep ?? false }),
    signal: options.signal ?? new AbortController().signal,
  });
  return planOf(surveyed);
}

/** The worst case: everything whose upstream runs again runs as well. */
export function planOf(surveyed: readonly SurveyedPhase[]): readonly PhasePlan[] {
  const decisions = assess(surveyed, 'worst-case');
  return surveyed.map(({ name, inputsKey }) => {
    const decision = decisions.get(name);
    const state = decision?.state;
    return {
      name,
      action: state === 'valid' ? 'reuse' : state === 'skip' ? 'skip' : 'run',
      reason: decision?.reason ?? '',
      inputsKey,
    };
  });
}
