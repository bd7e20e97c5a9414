import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { isTransientPackageError } from '../packages/errors.ts';
import { buildRepository } from '../packages/repository.ts';
import type { ResolvedSet } from '../packages/resolved-package.ts';
import { buildIndexes } from './preflight.ts';

interface FetchRequest {
  readonly phase: string;
  readonly set: ResolvedSet;
  /** The part of the phase's progress that this is. */
  readonly from: number;
  readonly to: number;
}

/** Downloads a set into the shared cache, in the name of a phase, and makes `folder` an offline repository of it. */
export async function fetchPackages(
  environment: BuildEnvironment,
  context: PhaseContext,
  request: FetchRequest & { readonly folder: string },
): Promise<void> {
  const { set, folder } = request;
  await downloadSet(environment, context, request);
  await rm(folder, { recursive: true, force: true });
  await buildRepository(folder, set, { archiveDirectory: archiveFolder(environment) });
}

/** Downloads a set into the shared cache, in the name of a phase. Absolute paths, in the order of the set. */
export async function downloadSet(
  environment: BuildEnvironment,
  context: PhaseContext,
  { phase, set, from, to }: FetchRequest,
): Promise<string[]> {
  const archiveDirectory = archiveFolder(environment);
  await mkdir(archiveDirectory, { recursive: true });
  const workspace = await buildIndexes(environment, context.signal);
  const { files } = await context.retry(
    `download the packages of ${phase}`,
    (_attempt, signal) =>
      workspace.download(set, archiveDirectory, {
        scope: phase,
        signal,
        onProgress: ({ doneBytes, totalBytes }) => {
          environment.bus?.publish(phase, 'download.progress', {
            phase,
            receivedBytes: doneBytes,
            totalBytes,
          });
          context.progress(
            from + ((to - from) * doneBytes) / Math.max(1, totalBytes),
            'downloading packages',
          );
        },
      }),
    { isTransient: isTransientPackageError },
  );
  return files;
}

function archiveFolder({ layout }: BuildEnvironment): string {
  return path.join(layout.cache, 'archives');
}
