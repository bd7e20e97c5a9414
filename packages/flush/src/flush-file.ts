import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { classifyError } from './classify-error.ts';
import { startDeadline, type Deadline, type DeadlineOptions } from './deadline.ts';
import { FlushTargetError } from './errors.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import { hashFile } from './hash-file.ts';
import { readBack } from './read-back.ts';
import { notVerified, type FlushReport, type FlushVerification } from './report.ts';
import { requireStrategy, type FlushStrategy } from './strategy.ts';
import { verifyOptions, type Verify } from './verify-options.ts';

export interface FlushOptions extends DeadlineOptions {
  /** Read the content back from the device and compare digests; default false. */
  verify?: Verify | undefined;
  fs?: FileSystem | undefined;
  strategy?: FlushStrategy | undefined;
  /** Clock in ms; default `performance.now`. */
  now?: (() => number) | undefined;
}

export interface FlushFileOptions extends FlushOptions {
  /** fdatasync: not the times, but all that is needed to read the data; default false. */
  dataOnly?: boolean | undefined;
  /** Also fsync the folder, so that the file's name is durable; default true. */
  folder?: boolean | undefined;
}

/**
 * Sends a regular file that somebody wrote to its device, once: fsync of the file, then of its folder. A
 * symbolic link is followed. fsync is not repeated after an error. An error that another process's fsync has
 * already been told is not told again by the kernel: only `verify` finds that.
 *
 * @throws FlushIoError, FlushNoSpaceError, FlushReadOnlyError, FlushVerifyError, FlushNotFoundError,
 * FlushAccessError, FlushTargetError, FlushUnsupportedError, FlushBusyError, FlushTimeoutError,
 * FlushCancelledError
 */
export async function flushFile(path: string, options: FlushFileOptions = {}): Promise<FlushReport> {
  const fs = options.fs ?? nodeFileSystem;
  const strategy = options.strategy ?? requireStrategy();
  const now = options.now ?? (() => performance.now());
  const dataOnly = options.dataOnly ?? false;
  const startedAt = now();
  const deadline = startDeadline(path, options);
  try {
    const target = await deadline
      .step('stat', () => fs.realpath(path))
      .catch((error: unknown) => Promise.reject(classifyError(error, path, 'stat')));
    const flushed = await syncRegularFile({
      fs,
      strategy,
      deadline,
      target,
      dataOnly,
      verify: options.verify,
    });
    if (options.folder ?? true) await syncFolder(fs, strategy, deadline, dirname(target));
    return {
      method: dataOnly ? 'fdatasync' : 'fsync',
      target,
      durationMs: now() - startedAt,
      bytes: flushed.bytes,
      files: 1,
      verified: flushed.verified,
    };
  } finally {
    deadline.end();
  }
}

export interface SyncFileJob {
  fs: FileSystem;
  strategy: FlushStrategy;
  deadline: Deadline;
  /** Path without links. */
  target: string;
  dataOnly: boolean;
  verify: Verify | undefined;
}

/** fsync and read-back of one regular file, without its folder. */
export async function syncRegularFile(
  job: SyncFileJob,
): Promise<{ bytes: number; verified: FlushVerification }> {
  const { fs, strategy, deadline, target, dataOnly } = job;
  const verify = verifyOptions(job.verify);
  const operation = dataOnly ? 'fdatasync' : 'fsync';
  // Looked at before it is opened: to open a FIFO would wait for its writer.
  const before = await deadline
    .step('stat', () => fs.stat(target))
    .catch((error: unknown) => Promise.reject(classifyError(error, target, 'stat')));
  if (!before.isFile()) {
    throw new FlushTargetError(
      `${target} is no regular file; use flushTree for a folder, flushVolume or flushImage for a device`,
      { target, operation: 'open' },
    );
  }
  const expected =
    verify === undefined
      ? undefined
      : (verify.expected ?? (await hashFile(target, { fs, signal: deadline.signal })).sha256);
  const file = await deadline
    .step('open', () => fs.open(target, constants.O_RDONLY | constants.O_NONBLOCK))
    .catch((error: unknown) => Promise.reject(classifyError(error, target, 'open')));
  try {
    await deadline.step(operation, () => strategy.syncFile(file, { dataOnly }));
  } catch (error) {
    throw classifyError(error, target, operation);
  } finally {
    const closed = file.close().catch(() => {}); // read-only: nothing can be lost in it
    if (!deadline.expired()) await closed;
  }
  const stats = await fs.stat(target);
  if (expected === undefined) return { bytes: stats.size, verified: notVerified('not requested') };
  const required = verify?.required;
  const verified = await readBack({ fs, path: target, stats, deadline, expected, required });
  return { bytes: stats.size, verified };
}

/** fsync of a folder: the names in it become durable. */
export async function syncFolder(
  fs: FileSystem,
  strategy: FlushStrategy,
  deadline: Deadline,
  path: string,
): Promise<void> {
  const folder = await deadline
    .step('open-directory', () => fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY))
    .catch((error: unknown) => Promise.reject(classifyError(error, path, 'open-directory')));
  try {
    await deadline.step('fsync-directory', () => strategy.syncDirectory(folder));
  } catch (error) {
    throw classifyError(error, path, 'fsync-directory');
  } finally {
    const closed = folder.close().catch(() => {}); // read-only: nothing can be lost in it
    if (!deadline.expired()) await closed;
  }
}
