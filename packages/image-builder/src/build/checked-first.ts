import type { Phase } from '@osforge/pipeline';
import { environmentChecks, minimumFreeBytes } from '../doctor/doctor.ts';
import { PreflightError } from '../errors.ts';
import { allocatedBytes } from './allocated-bytes.ts';
import type { BuildEnvironment } from './environment.ts';

/** Free space without which no phase is worth starting. */
const smallestStepBytes = 256 * 1024 ** 2;

/**
 * The same phases, with a quick look at the machine (programs, space, namespaces) before the first of them that really
 * runs: a build that continues, or has nothing to do, is not held up by a preflight that was recorded long ago.
 */
export function checkedFirst(environment: BuildEnvironment, phases: readonly Phase[]): Phase[] {
  let checked: Promise<void> | undefined;
  const check = async (): Promise<void> => {
    const { directory } = environment.layout;
    const { disk, media } = environment.recipe;
    // Each kind of medium carries the payload, compressed, once more.
    const mediaBytes = media === false ? 0 : disk.sizeBytes * 0.25 * media.formats.length;
    const wholeBytes = Math.max(minimumFreeBytes, disk.sizeBytes * 0.75) + mediaBytes;
    // What an earlier run has made is kept or replaced, so its space is at hand; it must not be asked for twice.
    const neededBytes = Math.max(smallestStepBytes, wholeBytes - (await allocatedBytes(directory)));
    const checks = await environmentChecks(directory, neededBytes);
    if (checks.some(({ ok }) => !ok)) throw new PreflightError(checks);
  };
  return phases.map((phase) => ({
    ...phase,
    run: async (context) => {
      checked ??= check();
      await checked;
      return phase.run(context);
    },
  }));
}
