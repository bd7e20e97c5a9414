import type { BuildEnvironment } from '../build/environment.ts';
import type { ResolvedPackage } from '../packages/resolved-package.ts';
import { buildIndexes } from './preflight.ts';
import { basePackages } from './tree-settings.ts';

const resolving = new WeakMap<BuildEnvironment, Promise<ResolvedPackage[]>>();

/**
 * The packages of the base system, resolved once for the three phases that run together: it takes longer than
 * anything else they do before their downloads. A failed attempt is not kept.
 */
export async function baseSet(
  environment: BuildEnvironment,
  signal: AbortSignal,
): Promise<ResolvedPackage[]> {
  let promise = resolving.get(environment);
  if (!promise) {
    promise = resolveBase(environment, signal);
    resolving.set(environment, promise);
    promise.catch(() => resolving.delete(environment));
  }
  return promise;
}

async function resolveBase(environment: BuildEnvironment, signal: AbortSignal): Promise<ResolvedPackage[]> {
  const workspace = await buildIndexes(environment, signal);
  return workspace.resolve({ install: basePackages(environment.recipe), signal });
}
