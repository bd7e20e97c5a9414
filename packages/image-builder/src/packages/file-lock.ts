import { ProgramFailedError, run } from '@osforge/process';
import { open } from 'node:fs/promises';
import { PackageSpaceError, WorkspaceLockedError, WorkspaceLockError } from './errors.ts';

/** A file that readers share and writers have for themselves, between processes too. */
export interface FileLock {
  path: string;
  mode: 'shared' | 'exclusive';
  /** How long to wait for the others. */
  waitMs: number;
  /** What the lock guards, for messages. */
  directory: string;
}

/** An exit code that flock does not use for anything else. */
const lockConflict = 75;

/**
 * Does `work` while the lock is held. The descriptor that `work` gets is for the programs that it starts: a lock
 * belongs to an open file, so one that is still at work when this process has been killed keeps the others out.
 *
 * @throws WorkspaceLockedError where others hold it for longer than `waitMs`, PackageSpaceError, WorkspaceLockError
 */
export async function withFileLock<Result>(
  { path, mode, waitMs, directory }: FileLock,
  signal: AbortSignal | undefined,
  work: (descriptor: number) => Promise<Result>,
): Promise<Result> {
  // Readable too: NFS takes a shared lock of nothing else.
  const file = await open(path, 'a+').catch((error: unknown) => {
    throw asLockError(error, directory);
  });
  try {
    await lock(file.fd, { mode, waitMs, directory }, signal);
    return await work(file.fd);
  } finally {
    await file.close();
  }
}

/** Node has no flock of its own. The program locks the open file that it inherits, which stays locked after it. */
async function lock(
  descriptor: number,
  { mode, waitMs, directory }: Omit<FileLock, 'path'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const seconds = String(waitMs / 1000);
  const { exitCode } = await run(
    'flock',
    [`--${mode}`, '--conflict-exit-code', String(lockConflict), '--timeout', seconds, '3'],
    { descriptors: [descriptor], allowedExitCodes: [0, lockConflict], signal },
  ).catch((error: unknown) => {
    throw error instanceof ProgramFailedError ? asLockError(error, directory) : error;
  });
  if (exitCode === lockConflict) throw new WorkspaceLockedError(directory, waitMs);
}

function asLockError(cause: unknown, directory: string): Error {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new PackageSpaceError(directory, {}, { cause });
  return new WorkspaceLockError(directory, { cause });
}
