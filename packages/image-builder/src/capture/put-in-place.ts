import { lstat, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { hashFile } from '@osforge/flush';
import type { PhaseArtifact, PhaseContext } from '@osforge/pipeline';
import * as z from 'zod';
import type { BuildEnvironment } from '../build/environment.ts';
import { assertOwn } from '../build/ledger-handlers.ts';
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

/** A file that an earlier run of this build has made, as its record or manifest has it. */
type Earlier = Pick<CapturedFile, 'name' | 'path' | 'sizeBytes' | 'sha256'>;

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
): Promise<PhaseArtifact[]> {
  const { directory } = environment.layout;
  const artifacts: PhaseArtifact[] = [];
  const move = async ({ name, path: made, sha256, sizeBytes }: CapturedFile): Promise<void> => {
    const place = path.join(directory, name);
    await rename(made, place);
    artifacts.push({ name, path: place, sha256, sizeBytes, retention: 'output' });
  };
  const signatures = signature === undefined ? [] : [signature];
  const earlier = await earlierFiles(environment);
  for (const image of images) await move(image);
  const used = new Set(
    [...images, manifest, sums, ...signatures].map(({ name }) => path.join(directory, name)),
  );
  for (const file of earlier) if (!used.has(file.path)) await removeObsolete(file, directory, context);
  await move(manifest);
  if (signature === undefined) await removeEarlierSignature(directory, sums.name, context);
  await move(sums);
  for (const last of signatures) await move(last);
  return artifacts;
}

/** No manifest names a signature, as it is made last; one that stays would only say that the new sums are wrong. */
async function removeEarlierSignature(
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

async function removeObsolete(
  file: Earlier,
  directory: string,
  { log, signal }: Pick<PhaseContext, 'log' | 'signal'>,
): Promise<void> {
  const place = path.relative(directory, file.path);
  try {
    await assertOwn(file.path, directory);
    const status = await lstat(file.path).catch(() => undefined);
    if (status === undefined) return;
    const isOurs =
      status.isFile() &&
      status.size === file.sizeBytes &&
      (await hashFile(file.path, { signal })).sha256 === file.sha256;
    if (!isOurs) {
      log(`${place} of an earlier build is kept: it was changed since`);
      return;
    }
    await rm(file.path, { force: true });
    log(`${place} of an earlier build is removed: this one does not make it any more`);
  } catch (error) {
    signal.throwIfAborted();
    // The new image is whole; what cannot be tidied must not fail it.
    log(`${place} of an earlier build is left: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const manifestSchema = z.object({
  buildId: z.string(),
  artifacts: z.array(z.object({ name: z.string(), sizeBytes: z.number(), sha256: z.string() })),
});

/** By the record, and by the manifest: a fresh build has forgotten its record. */
async function earlierFiles({
  layout,
  earlierOutputs,
}: Pick<BuildEnvironment, 'layout' | 'earlierOutputs'>): Promise<Earlier[]> {
  const { buildId, directory } = layout;
  const files = new Map<string, Earlier>();
  for (const file of await manifestFiles(path.join(directory, 'manifest.json'), buildId)) {
    // Whoever wrote the manifest: only a file beside it can be meant.
    if (path.basename(file.name) !== file.name || file.name.startsWith('.')) continue;
    files.set(file.name, { ...file, path: path.join(directory, file.name) });
  }
  for (const file of earlierOutputs)
    files.set(file.name, { ...file, path: path.resolve(directory, file.path) });
  return [...files.values()];
}

async function manifestFiles(
  file: string,
  buildId: string,
): Promise<z.infer<typeof manifestSchema>['artifacts']> {
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return manifest.buildId === buildId ? manifest.artifacts : [];
  } catch {
    // None, or not one of ours.
    return [];
  }
}
