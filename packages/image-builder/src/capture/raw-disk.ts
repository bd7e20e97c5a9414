import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseRecord } from '@osforge/checkpoint';
import { convertImage, partialPath } from '@osforge/disk-image';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { artifactPath, recordedNumber } from '../phases/artifacts.ts';
import { ffuFolder, openFfuWork, type FfuWork } from './ffu-work.ts';
import { tellFlush } from './tell-flush.ts';

/** The record of the phase that has made the disk, and its artifact. */
function diskRecord(context: PhaseContext): { record: PhaseRecord; name: string } {
  const shutdown = context.upstream('vm-shutdown');
  return shutdown.state === 'skipped'
    ? { record: context.upstream('disk'), name: 'disk' }
    : { record: shutdown, name: 'final-disk' };
}

/** What is kept of an FFU; undefined where the recipe has none, and then none is kept. */
export async function ffuWork(
  { recipe, layout }: BuildEnvironment,
  context: PhaseContext,
): Promise<FfuWork | undefined> {
  const folder = ffuFolder(layout.work);
  if (!recipe.capture.formats.includes('ffu')) {
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  const { record, name } = diskRecord(context);
  // A phase that ran again has another time, whatever it has made.
  const { inputsKey, completedAt, artifacts } = record;
  return openFfuWork(folder, recipe.name, {
    disk: [inputsKey, completedAt, artifacts.find((artifact) => artifact.name === name)?.sha256 ?? ''],
    name: recipe.name,
    sourceDateEpoch: recordedNumber(context.upstream('preflight'), 'sourceDateEpoch'),
    compress: recipe.capture.ffu?.compress ?? false,
  });
}

export interface RawDisk {
  readonly raw: string;
  /** Removes it, where it is of this run alone. */
  readonly remove: () => Promise<void>;
}

/** The disk as one raw file: the machine's chain of overlays folded up, or the disk itself where there was none. */
export async function flattened(
  environment: BuildEnvironment,
  context: PhaseContext,
  ffu: FfuWork | undefined,
): Promise<RawDisk> {
  const { layout } = environment;
  const { record, name } = diskRecord(context);
  const source = artifactPath(layout, record, name);
  if (name === 'disk') return { raw: source, remove: () => Promise.resolve() };
  if (ffu !== undefined && (await ffu.hasDisk())) {
    context.log('the disk that an earlier run has folded up is used');
    return { raw: ffu.disk, remove: () => Promise.resolve() };
  }
  const flat = ffu?.disk ?? path.join(layout.work, 'final.raw');
  // What is kept for an FFU must be there when the build goes on: that empties the ledger first.
  for (const file of [partialPath(flat), ...(ffu === undefined ? [flat] : [])])
    await context.ledger.register('file', file);
  const { flush } = await convertImage({
    source,
    sourceFormat: 'qcow2',
    target: flat,
    format: 'raw',
    signal: context.signal,
    onProgress: (fraction) => {
      context.progress(0.15 * fraction, 'reading the disk');
    },
  });
  tellFlush(environment, 'raw', flush);
  await ffu?.noteDisk();
  return { raw: flat, remove: () => (ffu === undefined ? rm(flat, { force: true }) : Promise.resolve()) };
}
