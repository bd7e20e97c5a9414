import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Phase, PhaseArtifact } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { baseSet } from './base-set.ts';
import { digestTarget } from './digest-path.ts';
import { fetchPackages } from './fetch-packages.ts';
import { buildIndexes } from './preflight.ts';
import { basePackages } from './tree-settings.ts';

/** Phase 2: downloads firmware and driver packages with what they need, and collects the recipe's own folder of them. */
export function driversPhase(environment: BuildEnvironment): Phase {
  const { layout, recipe, recipeDirectory } = environment;
  const { drivers } = recipe;
  const repository = path.join(layout.work, 'drivers');
  const local = path.join(layout.work, 'driver-folder');
  return {
    name: 'drivers',
    version: '1',
    weight: 1,
    dependsOn: ['preflight'],
    inputs: async () => ({
      packages: [...drivers.packages],
      folder:
        drivers.folder === undefined ? null : await digestTarget(path.join(recipeDirectory, drivers.folder)),
      // What the base system has already is not downloaded a second time.
      base: drivers.packages.length === 0 ? [] : basePackages(recipe),
      tools: toolVersions(environment, ['apt']),
    }),
    skip: () =>
      drivers.packages.length === 0 && drivers.folder === undefined
        ? 'the recipe asks for no drivers'
        : undefined,
    run: async (context) => {
      const artifacts: PhaseArtifact[] = [];
      const packages: string[] = [];
      if (drivers.packages.length > 0) {
        const workspace = await buildIndexes(environment, context.signal);
        const besides = await baseSet(environment, context.signal);
        const set = await workspace.resolve({ install: drivers.packages, besides, signal: context.signal });
        await fetchPackages(environment, context, {
          phase: 'drivers',
          set,
          folder: repository,
          from: 0.3,
          to: 0.9,
        });
        artifacts.push({ name: 'Packages', path: path.join(repository, 'Packages'), retention: 'cache' });
        packages.push(...set.map(({ name }) => name));
        for (const { fileName, sha256, sizeBytes } of set) {
          artifacts.push({
            name: fileName,
            path: path.join(repository, fileName),
            retention: 'cache',
            sha256,
            sizeBytes,
          });
        }
      }
      let debFolder = '';
      if (drivers.folder !== undefined) {
        await rm(local, { recursive: true, force: true });
        await mkdir(local, { recursive: true });
        const source = path.join(recipeDirectory, drivers.folder);
        const names = (await readdir(source)).filter((name) => name.endsWith('.deb')).sort();
        for (const name of names) {
          await cp(path.join(source, name), path.join(local, name));
          artifacts.push({ name: `folder:${name}`, path: path.join(local, name), retention: 'cache' });
        }
        // Relative: the build's folder may be moved.
        debFolder = path.relative(layout.directory, local);
      }
      return { artifacts, data: { packages, debFolder } };
    },
  };
}
