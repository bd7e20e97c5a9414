import { lstat, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { assertOwn } from '../build/ledger-handlers.ts';
import { earlierFiles, mediaPlace, removeEmptyFolders, removeObsolete } from '../capture/earlier-files.ts';
import { removeEarlierSignature } from '../capture/put-in-place.ts';
import type { Recipe } from '../recipe/recipe.ts';

/**
 * Removes the media of an earlier run of a build whose recipe asks for none any more, after the build has succeeded. By
 * its record, and by `media.json`, which outlives the record; what was changed since is kept.
 */
export async function removeDroppedMedia(
  environment: Pick<BuildEnvironment, 'layout' | 'earlierOutputs'> & {
    readonly recipe: Pick<Recipe, 'media'>;
  },
  context: Pick<PhaseContext, 'log' | 'signal'>,
): Promise<void> {
  if (environment.recipe.media !== false) return;
  const place = mediaPlace(environment);
  const { folder, manifest } = place;
  if ((await lstat(folder).catch(() => undefined))?.isDirectory() !== true) return;
  const { directory } = environment.layout;
  const files = await earlierFiles(environment, place);
  if (files.length === 0) return;
  const last = new Set([manifest, 'SHA256SUMS', 'SHA256SUMS.minisig']);
  for (const file of files) if (!last.has(file.name)) await removeObsolete(file, directory, context);
  await removeEarlierSignature(folder, 'SHA256SUMS', context);
  // Those that name the others go last, so that a run that is cut here is made good by the next one.
  for (const name of ['SHA256SUMS', manifest]) {
    const listed = files.find((file) => file.name === name);
    if (listed !== undefined) await removeObsolete(listed, directory, context);
    else await removeUnlisted(path.join(folder, name), directory, environment.layout.buildId);
  }
}

/** The manifest names neither itself nor the sums: they are ours where they speak of what it says. */
async function removeUnlisted(file: string, directory: string, buildId: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const isOurs = file.endsWith('.json')
    ? text.includes(`"buildId": ${JSON.stringify(buildId)}`)
    : /^[0-9a-f]{64} {2}media\.json$/m.test(text);
  if (!isOurs) return;
  await assertOwn(file, directory);
  await rm(file, { force: true });
  await removeEmptyFolders(path.dirname(file), directory);
}
