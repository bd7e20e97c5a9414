import { link, open, readFile, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isAlive, processIdentity, type ProcessIdentity } from '@osforge/process';
import { errnoOf, TargetBusyError } from '../errors.ts';

/**
 * Keeps two flashes off one regular file: the kernel's O_EXCL does that for devices only. The lock is a file beside the
 * target that names its process; that of a process that has ended does not count.
 *
 * @returns releases the lock
 * @throws TargetBusyError
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const lock = join(dirname(path), `.${basename(path)}.osforge-flash`);
  const mine = `${lock}.${process.pid}.${crypto.randomUUID()}`;
  const file = await open(mine, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(processIdentity()));
  } finally {
    await file.close();
  }
  try {
    // A link appears whole and only once, so that nobody reads half of a lock.
    for (let attempt = 0; ; attempt += 1) {
      try {
        await link(mine, lock);
        break;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        if (attempt > 0 || (await isHeld(lock)))
          throw new TargetBusyError(busy(path), { path }, { cause: error });
        await rm(lock, { force: true });
      }
    }
  } finally {
    await unlink(mine);
  }
  return async () => {
    await rm(lock, { force: true });
  };
}

const busy = (path: string): string => `${path} is being flashed by another process: wait for its end`;

async function isHeld(lock: string): Promise<boolean> {
  try {
    // Written by lockFile above, whole; what does not fit counts as held.
    return isAlive(JSON.parse(await readFile(lock, 'utf8')) as ProcessIdentity);
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
}
