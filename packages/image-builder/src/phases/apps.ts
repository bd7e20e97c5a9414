import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { JsonValue } from '@osforge/checkpoint';
import type { Phase } from '@osforge/pipeline';
import { assetDigest, assetPath } from '../asset.ts';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import type { App } from '../recipe/recipe.ts';
import { recordedNumber } from './artifacts.ts';
import { layOutMedium, makeIso } from './app-medium.ts';
import { baseSet } from './base-set.ts';
import { digestPath, digestTarget } from './digest-path.ts';
import { fetchPackages } from './fetch-packages.ts';
import { buildIndexes } from './preflight.ts';
import { basePackages } from './tree-settings.ts';
import { skipWithoutApps } from './skip.ts';

/** What decides an application's part of the medium: its recipe, and the content of the files it names. */
async function appInputs(app: App, recipeDirectory: string): Promise<JsonValue> {
  return {
    name: app.name,
    packages: [...app.packages],
    files: await Promise.all(
      app.files.map(async (file) => ({
        ...file,
        content: await digestPath(path.join(recipeDirectory, file.source)),
      })),
    ),
    scripts: await Promise.all(
      app.scripts.map(async (script) => ({
        ...script,
        env: { ...script.env },
        content: await digestTarget(path.join(recipeDirectory, script.path)),
      })),
    ),
    checks: app.checks.map((check) => ({ ...check })),
  };
}

/** Phase 4: resolves what the applications need beyond the base system, downloads it, and packs the apps medium. */
export function appsPhase(environment: BuildEnvironment): Phase {
  const { layout, recipe, recipeDirectory } = environment;
  return {
    name: 'apps',
    version: '1',
    weight: 3,
    dependsOn: ['preflight'],
    inputs: async () => ({
      apps: await Promise.all(recipe.apps.map((app) => appInputs(app, recipeDirectory))),
      base: [...basePackages(recipe), ...recipe.drivers.packages],
      installer: await assetDigest('install.sh'),
      tools: toolVersions(environment, ['apt', 'xorriso']),
    }),
    skip: skipWithoutApps(recipe),
    run: async (context) => {
      const folder = path.join(layout.work, 'medium');
      const image = path.join(layout.work, 'apps.iso');
      const epochSeconds = recordedNumber(context.upstream('preflight'), 'sourceDateEpoch');
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      let packageCount = 0;
      const install = [...new Set(recipe.apps.flatMap((app) => app.packages))];
      if (install.length > 0) {
        context.progress(0.02, 'resolving the applications');
        const base = await baseSet(environment, context.signal);
        const workspace = await buildIndexes(environment, context.signal);
        const { drivers } = recipe;
        // Drivers are part of what the guest has already.
        const added =
          drivers.packages.length === 0
            ? []
            : await workspace.resolve({ install: drivers.packages, besides: base, signal: context.signal });
        const set = await workspace.resolve({
          install,
          besides: [...base, ...added],
          signal: context.signal,
        });
        packageCount = set.length;
        await fetchPackages(environment, context, {
          phase: 'apps',
          set,
          folder: path.join(folder, 'osforge', 'repository'),
          from: 0.4,
          to: 0.8,
        });
      }
      context.progress(0.85, 'making the apps medium');
      const { signal } = context;
      await layOutMedium({
        folder,
        recipeDirectory,
        apps: recipe.apps,
        installer: assetPath('install.sh'),
        epochSeconds,
        signal,
      });
      await makeIso({ folder, target: image, label: 'OSFORGE', epochSeconds, signal });
      await rm(folder, { recursive: true, force: true });
      return {
        artifacts: [{ name: 'medium', path: image, retention: 'cache' }],
        data: { packages: install, packageCount },
      };
    },
  };
}
