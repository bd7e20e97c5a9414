import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { JsonValue } from '@osforge/checkpoint';
import type { Phase } from '@osforge/pipeline';
import type { BuildEnvironment, HostPlaces } from '../../src/build/environment.ts';
import { openEnvironment } from '../../src/build/open-environment.ts';
import { loadRecipe } from '../../src/recipe/load-recipe.ts';

/** What the phases of a recipe in `folder` are given; `lines` are added to the least recipe. */
export async function environmentOf(
  folder: string,
  lines = '',
  host: Partial<HostPlaces> = {},
): Promise<BuildEnvironment> {
  const file = path.join(folder, 'recipe.yaml');
  await writeFile(file, `version: 1\nname: demo\n${lines}`);
  const options = { outDirectory: path.join(folder, 'out'), cacheDirectory: path.join(folder, 'cache') };
  const environment = await openEnvironment(await loadRecipe(file), { ...options, variables: {} }, undefined);
  return { ...environment, host: { ...environment.host, ...host } };
}

/** What a phase says decides its result. */
export async function inputsOf(phase: Phase): Promise<JsonValue> {
  return phase.inputs({ buildId: 'demo', record: undefined, signal: new AbortController().signal });
}
