import { readCheckpoint } from '@osforge/checkpoint';
import { planPipeline, type PhasePlan } from '@osforge/pipeline';
import { buildPhases } from '../phases/index.ts';
import type { LoadedRecipe } from '../recipe/load-recipe.ts';
import { openEnvironment, type BuildOptions } from './open-environment.ts';

export interface PlanBuildOptions extends BuildOptions {
  readonly fresh?: boolean;
  /** Hash every artifact again; default false. */
  readonly verify?: boolean;
}

export interface BuildPlan {
  readonly buildId: string;
  readonly directory: string;
  readonly phases: readonly PhasePlan[];
}

/** What a build would do, phase by phase with the reason. Changes nothing and opens no connection. */
export async function planBuild(loaded: LoadedRecipe, options: PlanBuildOptions): Promise<BuildPlan> {
  const environment = await openEnvironment(loaded, options, undefined);
  const { buildId, directory, state } = environment.layout;
  const record = await readCheckpoint({ directory: state, buildId });
  const phases = await planPipeline(buildPhases(environment), record, {
    directory,
    buildId,
    fresh: options.fresh ?? false,
    deep: options.verify ?? false,
  });
  return { buildId, directory, phases };
}
