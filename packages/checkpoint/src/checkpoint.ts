import type { FileSystem } from '@osforge/flush';
import type { CheckpointPaths } from './build-id.ts';
import { CheckpointClosedError } from './errors.ts';
import { createLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { FileLock } from './lock.ts';
import { removeOwner } from './lock-owner.ts';
import type { Quarantined } from './quarantine.ts';
import { serializeRecord, writeRecordText } from './record-file.ts';
import type { BuildRecord } from './record.ts';
import { RECORD_VERSION } from './record.ts';

/** Where the record of a handle came from when it was opened. */
export type CheckpointOrigin = 'new' | 'loaded' | 'migrated' | 'quarantined';

/** The record of one build, held by this process alone until `close`. */
export interface Checkpoint {
  readonly buildId: string;
  /** Path of the record file. */
  readonly path: string;
  /** The record as it is on the disk (of a new build: as it will be). Frozen. */
  readonly record: BuildRecord;
  readonly origin: CheckpointOrigin;
  /** Set where `origin` is `quarantined`. */
  readonly quarantined?: Quarantined;
  /**
   * Writes what `change` makes of the record, and resolves once it is durable. Calls take effect one after the
   * other in the order in which they were made; `change` sees the result of the one before it. `version` and
   * `updatedAt` are set here. A failed call changes nothing, and later ones go on from the old record.
   *
   * Throws `CheckpointInvalidError`, `CheckpointSecretError`, `CheckpointNoSpaceError`, `CheckpointIoError`,
   * `CheckpointLockLostError`, `CheckpointClosedError`, and what `change` throws.
   */
  update(change: (record: BuildRecord) => BuildRecord): Promise<void>;
  readonly ledger: Ledger;
  /** Waits for updates under way, then gives the build free. Again: no effect. */
  close(): Promise<void>;
}

export interface CheckpointState {
  readonly buildId: string;
  readonly paths: CheckpointPaths;
  readonly record: BuildRecord;
  readonly origin: CheckpointOrigin;
  readonly quarantined: Quarantined | undefined;
  readonly lock: FileLock;
  readonly now: () => Date;
  readonly secretValues: () => readonly string[];
  readonly fs: FileSystem | undefined;
}

export function createCheckpoint(state: CheckpointState): Checkpoint {
  const { buildId, paths, origin, quarantined, lock } = state;
  let record = deepFreeze(state.record);
  let last: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const write = async (change: (record: BuildRecord) => BuildRecord): Promise<void> => {
    lock.check();
    const next = { ...change(record), version: RECORD_VERSION, updatedAt: state.now().toISOString() };
    const text = serializeRecord(next, { path: paths.record, buildId, secretValues: state.secretValues() });
    const written = writeRecordText(paths.record, text, state.fs);
    // From the text, so that what is in memory is what a later process will read. The type is that of the
    // value which was validated and serialized just before. Done while the disk is busy.
    const copy = deepFreeze(JSON.parse(text) as BuildRecord);
    await written;
    record = copy;
  };

  const update: Checkpoint['update'] = (change) => {
    if (closing !== undefined) return Promise.reject(new CheckpointClosedError(buildId));
    const done = last.then(() => write(change));
    last = done.catch(() => {
      // The caller has it from `done`; the queue goes on.
    });
    return done;
  };

  return {
    buildId,
    path: paths.record,
    get record() {
      return record;
    },
    origin,
    ...(quarantined === undefined ? {} : { quarantined }),
    update,
    ledger: createLedger({ update, record: () => record, now: state.now }),
    close: () =>
      (closing ??= last.then(() => {
        try {
          removeOwner(paths.owner);
        } finally {
          lock.release();
        }
      })),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
