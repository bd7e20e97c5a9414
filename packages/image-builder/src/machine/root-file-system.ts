import { openImage, readExt4State } from '@osforge/disk-image';
import type { BuildEnvironment } from '../build/environment.ts';
import { identifiersOf, imageLayout } from '../phases/disk.ts';

/** The root file system's own word on whether it was unmounted. The machine must have let go of the disk. */
export async function rootFileSystemState(
  environment: BuildEnvironment,
  disk: string,
  temporaryDirectory: string,
): Promise<'clean' | 'dirty'> {
  const root = imageLayout(environment, identifiersOf(environment)).partitions[1];
  const reader = await openImage(disk, 'qcow2', { temporaryDirectory });
  try {
    const { state } = await readExt4State(reader, root?.startBytes ?? 0);
    return state === 'clean' ? 'clean' : 'dirty';
  } finally {
    await reader.close();
  }
}
