import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { isTransientPackageError } from '../packages/errors.ts';
import { buildRepository } from '../packages/repository.ts';
import type { ResolvedSet } from '../packages/resolved-package.ts';
import { buildIndexes } from './preflight.ts';

/** Downloads a set into the shared cache, in the name of a phase, and makes `folder` an offline repository of it. */
export async function fetchPackages(
  environment: BuildEnvironment,
  context: PhaseContext,
  request: { phase: string; set: ResolvedSet; folder: string; from: number; to: number },
): Promise<void> {
  const { phase, set, folder, from, to } = request;
  const archiveDirectory = path.join(environment.layout.cache, 'archives');
  await mkdir(archiveDirectory, { recursive: true });
  const workspace = await buildIndexes(environment, context.signal);
  await context.retry(
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
  await rm(folder, { recursive: true, force: true });
  await buildRepository(folder, set, { archiveDirectory });
}
