import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { CheckpointLockFailedError, CheckpointLockLostError } from './errors.ts';

/** A lock that the kernel releases when the process ends, however it ends. */
export interface FileLock {
  /** Throws `CheckpointLockLostError` where the lock file is no longer the one that we locked. */
  check(): void;
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Locks `path` for this process, or returns `undefined` where another holds it. The file is created where it is
 * absent, stays empty, and is never removed: to remove a lock file is how stale-lock races begin.
 *
 * The lock is SQLite's reserved lock, a POSIX record lock (`fcntl`), because Node itself offers none. SQLite
 * also knows of its other handles in this process, which bare POSIX locks do not. Nothing may open the lock file
 * by other means: closing any descriptor of it would release the lock.
 *
 * Of processes that race for a free lock one gets it, without a wait: who gets the reserved lock, one byte, is
 * decided by one system call, and the shared lock that each takes on its way there hinders nobody. Not so with
 * SQLite's exclusive lock: that one needs the shared locks of the others gone, so that a racer which lost but has not
 * let go yet makes the other lose too. Who is refused by a racer that has to try again (see below) is still
 * refused by one that goes on.
 */
export function lockFile(path: string): FileLock | undefined {
  let database: DatabaseSync | undefined;
  try {
    const Database = loadSqlite();
    for (;;) {
      const before = identityOf(path);
      database = new Database(path, { timeout: 0 });
      // Without the pragma, SQLite puts a journal file beside the lock.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
      const held = database;
      // The same file before and after is the file that was opened and locked in between. Not so where it was
      // just made, or replaced meanwhile: again.
      if (before !== undefined && identityOf(path) === before) {
        return {
          check: () => {
            if (identityOf(path) !== before) throw new CheckpointLockLostError(path);
          },
          release: () => {
            held.close();
          },
        };
      }
      database.close();
    }
  } catch (error) {
    if (database?.isOpen === true) database.close();
    if (sqliteCode(error) === SQLITE_BUSY) return undefined;
    throw new CheckpointLockFailedError(path, { cause: error });
  }
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}

let loaded: typeof DatabaseSync | undefined;

/** Some releases of Node announce `node:sqlite` as experimental; that line is not for our users. */
function loadSqlite(): typeof DatabaseSync {
  if (loaded !== undefined) return loaded;
  const emitWarning = process.emitWarning.bind(process);
  // Loading is synchronous, so no other warning is touched but through the call that is passed on.
  process.emitWarning = (...args: unknown[]): void => {
    if (/SQLite is an experimental/.test(String(args[0]))) return;
    // The arguments are those of the caller of emitWarning.
    Reflect.apply(emitWarning, process, args);
  };
  try {
    loaded = process.getBuiltinModule('node:sqlite').DatabaseSync;
  } finally {
    process.emitWarning = emitWarning;
  }
  return loaded;
}
