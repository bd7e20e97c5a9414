import type { FileSystem } from '@osforge/flush';
import type { CheckpointPaths } from './build-id.ts';
import { deepFreeze } from './deep-freeze.ts';
import { CheckpointClosedError } from './errors.ts';
import { createLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { FileLock } from './lock.ts';
import { removeOwner } from './lock-owner.ts';
import type { Quarantined } from './quarantine.ts';
import { writeRecordText } from './record-file.ts';
import type { BuildRecord } from './record.ts';
import { RECORD_VERSION } from './record.ts';
import { createRecordSerializer } from './serialize-record.ts';

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
  const serialize = createRecordSerializer(paths.record, buildId);
  let record = deepFreeze(state.record);
  let last: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const write = async (change: (record: BuildRecord) => BuildRecord): Promise<void> => {
    lock.check();
    const next = { ...change(record), version: RECORD_VERSION, updatedAt: state.now().toISOString() };
    const serialized = serialize(next, state.secretValues());
    await writeRecordText(paths.record, serialized.text, state.fs);
    record = serialized.record;
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
