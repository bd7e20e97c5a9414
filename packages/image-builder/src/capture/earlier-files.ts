import { lstat, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { hashFile } from '@osforge/flush';
import type { PhaseContext } from '@osforge/pipeline';
import * as z from 'zod';
import type { BuildEnvironment } from '../build/environment.ts';
import { assertOwn } from '../build/ledger-handlers.ts';
import { receiptFolder } from '../usb/receipts.ts';

/** A file that an earlier run of this build has made, as its record or manifest has it. */
export interface EarlierFile {
  /** Relative to the folder of these outputs. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A folder of outputs, and the file in it that names them. */
export interface OutputPlace {
  readonly folder: string;
  readonly manifest: 'manifest.json' | 'media.json';
}

/** The build's folder itself, with the images. */
export function imagePlace({ layout }: Pick<BuildEnvironment, 'layout'>): OutputPlace {
  return { folder: layout.directory, manifest: 'manifest.json' };
}

/** The folder of deployment media. */
export function mediaPlace({ layout }: Pick<BuildEnvironment, 'layout'>): OutputPlace {
  return { folder: path.join(layout.directory, 'media'), manifest: 'media.json' };
}

/** Removes a file of an earlier run, and its folder where that is empty then; not where it was changed since. */
export async function removeObsolete(
  file: EarlierFile,
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
    await removeEmptyFolders(path.dirname(file.path), directory);
    log(`${place} of an earlier build is removed: this one does not make it any more`);
  } catch (error) {
    signal.throwIfAborted();
    // The new image is whole; what cannot be tidied must not fail it.
    log(`${place} of an earlier build is left: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Removes a folder and those above it, up to and without `top`, as long as they are empty. */
export async function removeEmptyFolders(folder: string, top: string): Promise<void> {
  for (let place = folder; place.startsWith(`${top}${path.sep}`); place = path.dirname(place)) {
    try {
      await rmdir(place);
    } catch {
      // Something is in it, or it is gone.
      return;
    }
  }
}

const manifestSchema = z.object({
  buildId: z.string(),
  artifacts: z.array(z.object({ name: z.string(), sizeBytes: z.number(), sha256: z.string() })),
});

/** By the record, and by the manifest: a fresh build has forgotten its record. */
export async function earlierFiles(
  environment: Pick<BuildEnvironment, 'layout' | 'earlierOutputs'>,
  { folder, manifest }: OutputPlace,
): Promise<EarlierFile[]> {
  const { buildId, directory } = environment.layout;
  const files = new Map<string, EarlierFile>();
  for (const file of await manifestFiles(path.join(folder, manifest), buildId)) {
    // Whoever wrote the manifest: only a file of this folder can be meant.
    if (!isPlainName(file.name)) continue;
    files.set(file.name, { ...file, path: path.join(folder, file.name) });
  }
  const media = mediaPlace(environment).folder;
  for (const file of environment.earlierOutputs) {
    const place = path.resolve(directory, file.path);
    // Receipts are of sticks, which still hold what they say.
    if (place.startsWith(`${receiptFolder(environment.layout)}${path.sep}`)) continue;
    const ofMedia = place.startsWith(`${media}${path.sep}`);
    if (ofMedia === (folder === media)) files.set(file.name, { ...file, path: place });
  }
  return [...files.values()];
}

/** A relative path without empty, hidden or upward steps. */
function isPlainName(name: string): boolean {
  return name.split('/').every((part) => part !== '' && !part.startsWith('.')) && !name.includes('\\');
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
