import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Phase } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { baseSet } from './base-set.ts';
import { fetchPackages } from './fetch-packages.ts';
import { basePackages } from './tree-settings.ts';

/** Phase 3: resolves the base system at the newest version that the recipe's suites allow, and downloads it. */
export function updatesPhase(environment: BuildEnvironment): Phase {
  const { layout, recipe } = environment;
  const folder = path.join(layout.work, 'base');
  return {
    name: 'updates',
    version: '1',
    weight: 5,
    dependsOn: ['preflight'],
    inputs: () => ({ packages: basePackages(recipe), tools: toolVersions(environment, ['apt']) }),
    run: async (context) => {
      context.progress(0.02, 'resolving the base system');
      const set = await baseSet(environment, context.signal);
      await fetchPackages(environment, context, { phase: 'updates', set, folder, from: 0.3, to: 0.95 });
      const resolved = path.join(layout.work, 'base.json');
      await writeFile(
        resolved,
        JSON.stringify(
          set.map(({ name, version, architecture, suite, sha256 }) => ({
            name,
            version,
            architecture,
            suite,
            sha256,
          })),
        ),
      );
      return {
        artifacts: [
          { name: 'resolved', path: resolved, retention: 'cache' },
          { name: 'Packages', path: path.join(folder, 'Packages'), retention: 'cache' },
          { name: 'Release', path: path.join(folder, 'Release'), retention: 'cache' },
          ...set.map(({ fileName, sha256, sizeBytes }) => ({
            name: fileName,
            path: path.join(folder, fileName),
            retention: 'cache' as const,
            sha256,
            sizeBytes,
          })),
        ],
        data: { packages: set.map(({ name }) => name) },
      };
    },
  };
}
