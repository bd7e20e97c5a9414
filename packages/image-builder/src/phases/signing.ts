import type { JsonValue } from '@osforge/checkpoint';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import type { CapturedFile } from '../capture/manifest.ts';
import { resolveSigningKey, signSums } from '../capture/sign-sums.ts';
import { referencedFiles } from '../recipe/referenced-files.ts';
import { recordedNumber } from './artifacts.ts';

/** Nothing where nothing is signed; of a key in a file only a slow digest. */
export async function signInputs({
  recipe,
  recipeDirectory,
}: BuildEnvironment): Promise<Record<string, JsonValue>> {
  const key = recipe.capture.sign?.key;
  return key === undefined ? {} : { sign: key, key: await referencedFiles([key], recipeDirectory) };
}

/** `<sums>.minisig` in the folder of the list; undefined where the recipe has nothing signed. */
export async function signature(
  { recipe, recipeDirectory, variables, secrets }: BuildEnvironment,
  context: PhaseContext,
  sums: CapturedFile,
): Promise<CapturedFile | undefined> {
  const { sign: settings } = recipe.capture;
  if (settings === undefined) return undefined;
  const key = await resolveSigningKey(settings.key, { env: variables, directory: recipeDirectory }, secrets);
  const sourceDateEpoch = recordedNumber(context.upstream('preflight'), 'sourceDateEpoch');
  return signSums(sums, key, { name: recipe.name, sourceDateEpoch }, context.signal);
}
