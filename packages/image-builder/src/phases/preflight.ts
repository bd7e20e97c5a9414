import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Phase, PhaseArtifact } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { openAptWorkspace, type AptWorkspace } from '../packages/apt-workspace.ts';
import { isTransientPackageError, KeyringMissingError, SourcesMissingError } from '../packages/errors.ts';
import type { IndexInfo } from '../packages/index-info.ts';
import { renderSources } from '../packages/package-source.ts';
import { sourcesForRecipe } from '../packages/recipe-sources.ts';
import { checkSecrets } from './check-secrets.ts';

const opening = new WeakMap<BuildEnvironment, Promise<AptWorkspace>>();

/**
 * The package indexes of this build: pinned by `preflight`, read by the three download phases. Opened once for all of
 * them; a failed attempt is not kept.
 */
export async function buildIndexes(
  environment: BuildEnvironment,
  signal: AbortSignal,
): Promise<AptWorkspace> {
  let promise = opening.get(environment);
  if (!promise) {
    promise = openIndexes(environment, signal);
    opening.set(environment, promise);
    promise.catch(() => opening.delete(environment));
  }
  return promise;
}

async function openIndexes(environment: BuildEnvironment, signal: AbortSignal): Promise<AptWorkspace> {
  return openAptWorkspace({
    directory: environment.layout.indexes,
    // The build's lock is held, and the phases that use it wait for this.
    isOnlyUser: true,
    sources: await sourcesForRecipe(environment.recipe, { etcApt: environment.host.aptDirectory }),
    signal,
  });
}

/** Phase 1: fetches the package indexes and checks their signatures. The machine itself is checked before it. */
export function preflightPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  return {
    name: 'preflight',
    version: '2',
    weight: 3,
    dependsOn: [],
    inputs: async () => ({
      sources: await sourcesDigest(environment),
      distribution: { ...recipe.distribution },
      updates: { ...recipe.updates },
      // A different epoch is a different image, from the first time stamp on.
      sourceDateEpoch: environment.sourceDateEpoch ?? null,
    }),
    run: async (context) => {
      await checkSecrets(environment);
      await rm(layout.indexes, { recursive: true, force: true });
      await mkdir(layout.work, { recursive: true, mode: 0o700 });
      opening.delete(environment);
      const workspace = await buildIndexes(environment, context.signal);
      context.progress(0.05, 'fetching the package indexes');
      const suites = await context.retry(
        'fetch the package indexes',
        (_attempt, signal) => workspace.refreshIndexes({ signal }),
        { isTransient: isTransientPackageError },
      );
      const imageSources = path.join(layout.work, 'image.sources');
      await writeFile(imageSources, renderSources(workspace.sources));
      return {
        artifacts: [
          { name: 'image-sources', path: imageSources, retention: 'cache' },
          ...(await indexFiles(workspace)),
        ],
        data: {
          suites: suites.map((suite) => ({ ...suite })),
          sourceDateEpoch: environment.sourceDateEpoch ?? newestIndex(suites),
        },
      };
    },
  };
}

/**
 * Where the packages come from, which may be the machine's own apt settings: the image takes its sources from them, and
 * other sources have other indexes. As a digest, because an address may hold a password. Null where there is no telling;
 * the phase itself then says why.
 */
async function sourcesDigest({ recipe, host }: BuildEnvironment): Promise<string | null> {
  try {
    return createHash('sha256')
      .update(renderSources(await sourcesForRecipe(recipe, { etcApt: host.aptDirectory })))
      .digest('hex');
  } catch (error) {
    if (error instanceof SourcesMissingError || error instanceof KeyringMissingError) return null;
    throw error;
  }
}

async function indexFiles(workspace: AptWorkspace): Promise<PhaseArtifact[]> {
  const folder = path.join(workspace.directory, 'state', 'lists');
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'lock')
    .map(({ name }) => ({ name: `index:${name}`, path: path.join(folder, name), retention: 'cache' }));
}

/** Without an epoch from outside the image is dated by the newest index that it was made from. */
function newestIndex(suites: readonly IndexInfo[]): number {
  const dates = suites.flatMap(({ date }) =>
    date === undefined ? [] : [Math.floor(Date.parse(date) / 1000)],
  );
  return Math.max(315_532_800, ...dates);
}
