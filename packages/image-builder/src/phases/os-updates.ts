import { readFile } from 'node:fs/promises';
import type { Phase } from '@osforge/pipeline';
import * as z from 'zod';
import type { BuildEnvironment } from '../build/environment.ts';
import { BuildConsistencyError } from '../errors.ts';
import { artifactPath } from './artifacts.ts';
import { parsePackageList } from './package-list.ts';

const resolvedSchema = z.array(z.object({ name: z.string(), version: z.string(), suite: z.string() }));

/**
 * Phase 6: Debian's updates come in with the bootstrap, which draws every package from the newest allowed suite at
 * once instead of installing old versions and replacing them. What is left to do here is to prove it: every package on
 * the disk has the version that `updates` resolved, and the update level is recorded.
 */
export function osUpdatesPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  return {
    name: 'os-updates',
    version: '1',
    weight: 0.2,
    dependsOn: ['disk', 'updates'],
    inputs: () => ({ updates: { ...recipe.updates } }),
    skip: () => (recipe.updates.security || recipe.updates.stable ? undefined : 'updates are switched off'),
    run: async (context) => {
      const installed = parsePackageList(
        await readFile(artifactPath(layout, context.upstream('disk'), 'packages'), 'utf8'),
      );
      const resolved = resolvedSchema.parse(
        JSON.parse(await readFile(artifactPath(layout, context.upstream('updates'), 'resolved'), 'utf8')),
      );
      const versions = new Map(installed.map((entry) => [entry.name, entry.version]));
      const stale = resolved.filter(({ name, version }) => versions.get(name) !== version);
      if (stale.length > 0) {
        const list = stale.map(
          ({ name, version }) => `${name} is ${versions.get(name) ?? 'absent'}, not ${version}`,
        );
        throw new BuildConsistencyError(`the disk does not hold the resolved updates: ${list.join('; ')}`);
      }
      const bySuite: Record<string, number> = {};
      for (const { suite } of resolved) bySuite[suite] = (bySuite[suite] ?? 0) + 1;
      return { artifacts: [], data: { packages: installed.length, bySuite } };
    },
  };
}
