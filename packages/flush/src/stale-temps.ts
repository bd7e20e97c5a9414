import { join } from 'node:path';
import { classifyError, errnoOf } from './classify-error.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import { isAlive as isProcessAlive, type ProcessIdentity } from './process-identity.ts';
import { tempOwner } from './temp-name.ts';

export interface RemoveStaleTempsOptions {
  fs?: FileSystem | undefined;
  /** Whether the process that made a temporary file still runs; default: asks `/proc`. */
  isAlive?: ((owner: ProcessIdentity) => boolean) | undefined;
}

/**
 * Removes the temporary files that `writeFileDurable` left in one folder when its process was killed, and
 * returns their paths. Files of running processes stay (also this one's). Not recursive. Only for a folder
 * whose writers are all on this machine and in this PID namespace: others look ended from here.
 *
 * @throws FlushNotFoundError, FlushAccessError, FlushReadOnlyError, FlushIoError
 */
export async function removeStaleTemps(
  directory: string,
  options: RemoveStaleTempsOptions = {},
): Promise<string[]> {
  const fs = options.fs ?? nodeFileSystem;
  const isAlive = options.isAlive ?? isProcessAlive;
  const entries = await fs
    .readdir(directory)
    .catch((error: unknown) => Promise.reject(classifyError(error, directory, 'readdir')));
  const removed: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const owner = tempOwner(entry.name);
    if (owner === undefined || isAlive(owner)) continue;
    const path = join(directory, entry.name);
    try {
      await fs.unlink(path);
      removed.push(path);
    } catch (error) {
      // Somebody else cleaned the folder at the same time.
      if (errnoOf(error) !== 'ENOENT') throw classifyError(error, path, 'unlink');
    }
  }
  return removed;
}
