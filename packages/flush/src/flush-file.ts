import { dirname } from 'node:path';
import { classifyError } from './classify-error.ts';
import { startDeadline, type DeadlineOptions } from './deadline.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import type { FlushReport } from './report.ts';
import { requireStrategy, type FlushStrategy } from './strategy.ts';
import { syncFolder } from './sync-folder.ts';
import { syncRegularFile } from './sync-regular-file.ts';
import type { Verify } from './verify-options.ts';

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
