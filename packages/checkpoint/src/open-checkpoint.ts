import { mkdir } from 'node:fs/promises';
import type { FileSystem } from '@osforge/flush';
import { checkpointPaths } from './build-id.ts';
import { createCheckpoint } from './checkpoint.ts';
import type { Checkpoint, CheckpointOrigin } from './checkpoint.ts';
import { CheckpointInvalidError, CheckpointIoError, CheckpointLockedError } from './errors.ts';
import { lockFile } from './lock.ts';
import { readOwner, writeOwner } from './lock-owner.ts';
import { parseRecord } from './parse-record.ts';
import { quarantineFile, salvageLedger } from './quarantine.ts';
import type { Quarantined } from './quarantine.ts';
import { readRecordText, removeStaleRecordTemps } from './record-file.ts';
import type { BuildRecord, LedgerEntry } from './record.ts';
import { RECORD_VERSION } from './record.ts';

export interface OpenCheckpointOptions {
  /** Folder of the records; made where it is absent. */
  readonly directory: string;
  /** ASCII letters, digits, `.`, `_`, `-`; at most 100 characters. */
  readonly buildId: string;
  /** Default: the system clock. */
  readonly now?: () => Date;
  /** The values that secret references resolved to so far; asked before each write. Default: none. */
  readonly secretValues?: () => readonly string[];
  /** Seam to the file system, for the writing of records; see `@osforge/flush`. */
  readonly fs?: FileSystem;
}

/**
 * Locks a build for this process and reads its record. Nothing is written until the first `update`, so a record
 * of version 1 also stays as it is until then. A record that does not hold is renamed aside, and a new one
 * begins (`origin: 'quarantined'`), with those entries of the old ledger that can still be read.
 *
 * Throws `CheckpointBuildIdError`, `CheckpointLockedError`, `CheckpointLockFailedError`,
 * `CheckpointNewerVersionError` (the record is left alone), `CheckpointIoError`.
 */
export async function openCheckpoint(options: OpenCheckpointOptions): Promise<Checkpoint> {
  const { directory, buildId } = options;
  const now = options.now ?? (() => new Date());
  const paths = checkpointPaths(directory, buildId);
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new CheckpointIoError(directory, 'write', { cause: error });
  }
  const lock = lockFile(paths.lock);
  if (lock === undefined) {
    const owner = await readOwner(paths.owner);
    // A dead owner is one that was killed before; who holds the lock now has not signed yet.
    throw new CheckpointLockedError(buildId, owner?.alive === false ? undefined : owner);
  }
  try {
    writeOwner(paths.owner, now());
    await removeStaleRecordTemps(directory, paths.record);
    const loaded = await load(paths.record, buildId, now);
    return createCheckpoint({
      buildId,
      paths,
      lock,
      now,
      record: loaded.record,
      origin: loaded.origin,
      quarantined: loaded.quarantined,
      secretValues: options.secretValues ?? (() => []),
      fs: options.fs,
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Loaded {
  readonly record: BuildRecord;
  readonly origin: CheckpointOrigin;
  readonly quarantined?: Quarantined;
}

async function load(path: string, buildId: string, now: () => Date): Promise<Loaded> {
  const text = await readRecordText(path);
  if (text === undefined) return { record: emptyRecord(buildId, now()), origin: 'new' };
  try {
    return parseRecord(text, path, buildId);
  } catch (error) {
    if (!(error instanceof CheckpointInvalidError)) throw error;
    const { reason, issues } = error;
    const salvaged = salvageLedger(text, reason);
    const time = now();
    const aside = await quarantineFile(path, reason, time);
    return {
      record: emptyRecord(buildId, time, salvaged),
      origin: 'quarantined',
      quarantined: { path: aside, reason, issues, salvagedLedgerEntries: salvaged.length },
    };
  }
}

function emptyRecord(buildId: string, time: Date, ledger: readonly LedgerEntry[] = []): BuildRecord {
  return {
    version: RECORD_VERSION,
    buildId,
    createdAt: time.toISOString(),
    updatedAt: time.toISOString(),
    percentComplete: 0,
    phases: {},
    ledger,
    facts: {},
  };
}
