import { constants, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { classifyError, errnoOf } from './classify-error.ts';
import { startDeadline, type Deadline, type DeadlineOptions } from './deadline.ts';
import { FlushTargetError, FlushTimeoutError, type FlushOperation } from './errors.ts';
import { nodeFileSystem, type FileSystem, type OpenFile } from './file-system.ts';
import { notVerified, type FlushReport } from './report.ts';
import { requireStrategy, type FlushStrategy } from './strategy.ts';
import { tempName } from './temp-name.ts';
import { writeAll } from './write-all.ts';

export interface WriteFileDurableOptions extends DeadlineOptions {
  /** Permission bits, set exactly (no umask). Default: those of the file being replaced, else 0o666 & ~umask. */
  mode?: number | undefined;
  fs?: FileSystem | undefined;
  strategy?: FlushStrategy | undefined;
  /** Clock in ms; default `performance.now`. */
  now?: (() => number) | undefined;
}

/**
 * Replaces or creates a file so that a crash at any instruction leaves the old content or the new one, and
 * the new one is on the device when the promise resolves: a temporary file in the same folder is written and
 * fsynced, renamed over `path`, and the folder is fsynced. On failure the temporary file is removed; a killed
 * process leaves it to {@link removeStaleTemps}. Two writers at once: one of the contents wins whole.
 *
 * A `path` that is a symbolic link, folder, device or FIFO is refused: to follow a link would write outside of
 * the folder that is fsynced, and to rename over it would destroy it. Resolve links before the call.
 * A new inode replaces the old: hard links, extended attributes and ACLs are not carried over; the mode is,
 * and as root the owner too.
 *
 * If `operation` of the error is `fsync-directory`, the new content is in place, but a power loss may still
 * bring the old one back. Every other failure leaves the old file, except that a deadline or signal that
 * ends the call during `rename` leaves either.
 *
 * @throws FlushTargetError, FlushNoSpaceError, FlushReadOnlyError, FlushIoError, FlushNotFoundError,
 * FlushAccessError, FlushBusyError, FlushUnsupportedError, FlushTimeoutError, FlushCancelledError
 */
export async function writeFileDurable(
  path: string,
  data: string | Uint8Array,
  options: WriteFileDurableOptions = {},
): Promise<FlushReport> {
  const fs = options.fs ?? nodeFileSystem;
  const strategy = options.strategy ?? requireStrategy();
  const now = options.now ?? (() => performance.now());
  const startedAt = now();
  const target = resolve(path);
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  const deadline = startDeadline(target, options);
  try {
    await replace({ fs, strategy, deadline, target, bytes, mode: options.mode });
  } finally {
    deadline.end();
  }
  return {
    method: 'fsync',
    target,
    durationMs: now() - startedAt,
    bytes: bytes.length,
    files: 1,
    verified: notVerified('not requested'),
  };
}

interface Replacement {
  fs: FileSystem;
  strategy: FlushStrategy;
  deadline: Deadline;
  target: string;
  bytes: Uint8Array;
  mode: number | undefined;
}

async function statReplaced(fs: FileSystem, target: string, deadline: Deadline): Promise<Stats | undefined> {
  let stats: Stats;
  try {
    stats = await deadline.step('stat', () => fs.lstat(target));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw classifyError(error, target, 'stat');
  }
  if (stats.isFile()) return stats;
  const kind = stats.isSymbolicLink()
    ? 'a symbolic link'
    : stats.isDirectory()
      ? 'a folder'
      : 'a special file';
  throw new FlushTargetError(`${target} is ${kind}; give the path of a regular file`, {
    target,
    operation: 'stat',
  });
}

async function replace(job: Replacement): Promise<void> {
  const { fs, strategy, deadline, target, bytes } = job;
  const directory = dirname(target);
  const temp = join(directory, tempName(basename(target)));
  let file: OpenFile | undefined;
  let created = false;
  // Opened before anything changes: a folder that cannot be fsynced must not be found out after the rename.
  const opening = deadline.open(fs, directory, constants.O_RDONLY | constants.O_DIRECTORY, 'open-directory');
  opening.catch(() => {}); // awaited below, after the look at the file, which goes on beside it
  const existing = await statReplaced(fs, target, deadline).catch(async (error: unknown) => {
    await opening.then((opened) => deadline.closeRead(opened)).catch(() => {});
    throw error;
  });
  const mode = job.mode ?? (existing === undefined ? undefined : existing.mode & 0o7777);
  const folder = await opening;
  try {
    const step = async (operation: FlushOperation, work: () => Promise<void>): Promise<void> => {
      try {
        await deadline.step(operation, work);
      } catch (error) {
        throw classifyError(error, target, operation);
      }
    };
    // O_EXCL never follows a link. Never wider than the final mode, not even for an instant.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const open = await deadline.open(fs, temp, flags, 'open', {
      mode: mode === undefined ? 0o666 : mode & 0o600,
      onLate: (late) => {
        removeTemp(fs, late, temp);
      },
    });
    file = open;
    created = true;
    const setId = mode !== undefined && (mode & 0o6000) !== 0; // which a write or chown clears
    const chmod = async (): Promise<void> => {
      if (mode !== undefined) await step('chmod', () => open.chmod(mode));
    };
    const writing = step('write', () => writeAll(open, bytes));
    await (setId ? writing : Promise.all([writing, chmod()])); // together, to save a wait
    if (existing !== undefined && process.geteuid?.() === 0 && (existing.uid !== 0 || existing.gid !== 0)) {
      await step('chown', () => open.chown(existing.uid, existing.gid));
    }
    if (setId) await chmod();
    await step('fsync', () => strategy.syncFile(open, { dataOnly: false }));
    // Closed before the rename: some network file systems report a failed write only here.
    file = undefined;
    await step('close', () => open.close());
    await step('rename', () => fs.rename(temp, target));
    created = false;
    await step('fsync-directory', () => strategy.syncDirectory(folder));
  } catch (error) {
    const cleanup = removeTemp(fs, file, created ? temp : undefined);
    // A device that hangs would hang the clean-up too; removeStaleTemps gets what that leaves behind.
    if (!(error instanceof FlushTimeoutError)) await cleanup.removed;
    // The file closes only when a system call that nobody waits for any more is over.
    if (!deadline.expired()) await cleanup.closed;
    throw error;
  } finally {
    await deadline.closeRead(folder);
  }
}

/** The first error is the one to report; what fails while cleaning up after it adds nothing. */
function removeTemp(
  fs: FileSystem,
  file: OpenFile | undefined,
  temp: string | undefined,
): { removed: Promise<void> | undefined; closed: Promise<void> | undefined } {
  return {
    removed: temp === undefined ? undefined : fs.unlink(temp).catch(() => {}),
    closed: file?.close().catch(() => {}),
  };
}
