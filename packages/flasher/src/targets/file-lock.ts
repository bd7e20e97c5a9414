import { constants } from 'node:fs';
import { access, link, open, readFile, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, processIdentity, type ProcessIdentity } from '@osforge/process/identity';
import { errnoOf, TargetBusyError } from '../errors.ts';

/** Debian's folder for locks (FHS 3.0, 5.9), gone with the next start of the machine; else where everybody may write. */
const lockFolders = ['/run/lock', '/tmp'];

/**
 * Keeps two flashes off one regular file: the kernel's O_EXCL does that for devices only. The lock is a small file that
 * names its process; that of a process that has ended does not count. It is not beside the target, whose folder may be
 * read-only or of a file system that takes no other files.
 *
 * @param inode `device:inode` of the target
 * @returns releases the lock
 * @throws TargetBusyError
 */
export async function lockFile(path: string, inode: string): Promise<() => Promise<void>> {
  const name = `osforge-flash-${inode.replace(':', '-')}`;
  const folder = await firstWritable(lockFolders);
  const lock = join(folder, name);
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

async function firstWritable(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const writable = await access(folder, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (writable) return folder;
  }
  return tmpdir();
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
