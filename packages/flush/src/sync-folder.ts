import { constants } from 'node:fs';
import { classifyError } from './classify-error.ts';
import type { Deadline } from './deadline.ts';
import type { FileSystem } from './file-system.ts';
import type { FlushStrategy } from './strategy.ts';

/** fsync of a folder: the names in it become durable. */
export async function syncFolder(
  fs: FileSystem,
  strategy: FlushStrategy,
  deadline: Deadline,
  path: string,
): Promise<void> {
  const folder = await deadline.open(fs, path, constants.O_RDONLY | constants.O_DIRECTORY, 'open-directory');
  try {
    await deadline.step('fsync-directory', () => strategy.syncDirectory(folder));
  } catch (error) {
    throw classifyError(error, path, 'fsync-directory');
  } finally {
    await deadline.closeRead(folder);
  }
}
