import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseArtifact, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { assertOwn } from '../build/ledger-handlers.ts';
import { earlierFiles, imagePlace, removeObsolete, type OutputPlace } from './earlier-files.ts';
import type { CapturedFile } from './manifest.ts';
import { isSignatureOfBuild } from './sign-sums.ts';

/** What a capture has made, still in its staging folder. */
export interface Captured {
  readonly images: readonly CapturedFile[];
  readonly manifest: CapturedFile;
  readonly sums: CapturedFile;
  /** Of the sums. */
  readonly signature?: CapturedFile | undefined;
}

/**
 * Moves whole new files over those of an earlier run, and removes what that run has left under names that are not used
 * any more (another format, another recipe under the same build id). The images go first, then what is obsolete, then
 * the manifest, and the sums, which vouch for the rest, and their signature come last: wherever this is cut, the earlier
 * record or manifest still names what is left to remove when the phase runs again.
 */
export async function putInPlace(
  environment: Pick<BuildEnvironment, 'layout' | 'earlierOutputs'>,
  context: Pick<PhaseContext, 'log' | 'signal'>,
  { images, manifest, sums, signature }: Captured,
  place: OutputPlace = imagePlace(environment),
): Promise<PhaseArtifact[]> {
  const { directory } = environment.layout;
  const { folder } = place;
  const artifacts: PhaseArtifact[] = [];
  const move = async ({ name, path: made, sha256, sizeBytes }: CapturedFile): Promise<void> => {
    const target = path.join(folder, name);
    await assertOwn(target, directory);
    await mkdir(path.dirname(target), { recursive: true });
    await rename(made, target);
    artifacts.push({ name, path: target, sha256, sizeBytes, retention: 'output' });
  };
  const signatures = signature === undefined ? [] : [signature];
  const earlier = await earlierFiles(environment, place);
  for (const image of images) await move(image);
  const used = new Set([...images, manifest, sums, ...signatures].map(({ name }) => path.join(folder, name)));
  for (const file of earlier) if (!used.has(file.path)) await removeObsolete(file, directory, context);
  await move(manifest);
  if (signature === undefined) await removeEarlierSignature(folder, sums.name, context);
  await move(sums);
  for (const last of signatures) await move(last);
  return artifacts;
}

/** No manifest names a signature, as it is made last; one that stays would only say that the new sums are wrong. */
export async function removeEarlierSignature(
  directory: string,
  sums: string,
  { log }: Pick<PhaseContext, 'log'>,
): Promise<void> {
  const name = `${sums}.minisig`;
  const place = path.join(directory, name);
  const status = await lstat(place).catch(() => undefined);
  if (status?.isFile() !== true || status.size > 4096) return;
  if (!isSignatureOfBuild(await readFile(place, 'utf8').catch(() => ''))) return;
  await rm(place, { force: true });
  log(`${name} of an earlier build is removed: this one is not signed`);
}
