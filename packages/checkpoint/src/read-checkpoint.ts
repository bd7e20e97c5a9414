import { readdir } from 'node:fs/promises';
import { checkpointPaths, buildIdOfFileName } from './build-id.ts';
import { CheckpointInvalidError, CheckpointIoError, CheckpointNewerVersionError } from './errors.ts';
import { readOwner } from './lock-owner.ts';
import type { LockOwner } from './lock-owner.ts';
import { parseRecord } from './parse-record.ts';
import { readRecordText } from './record-file.ts';
import type { BuildRecord } from './record.ts';

/**
 * The record of a build as it is on the disk, or `undefined` where there is none. Takes no lock and changes
 * nothing, so it may be called while the build runs: it then gets one whole record, the latest that was written.
 * A record of version 1 is returned as version 2.
 *
 * Throws `CheckpointBuildIdError`, `CheckpointInvalidError`, `CheckpointNewerVersionError`, `CheckpointIoError`.
 */
export async function readCheckpoint(options: {
  directory: string;
  buildId: string;
}): Promise<BuildRecord | undefined> {
  const { record: path } = checkpointPaths(options.directory, options.buildId);
  const text = await readRecordText(path);
  return text === undefined ? undefined : parseRecord(text, path, options.buildId).record;
}

/** One build in a folder: its record, or what is wrong with it. */
export interface CheckpointListing {
  readonly buildId: string;
  readonly path: string;
  readonly record?: BuildRecord;
  readonly error?: CheckpointInvalidError | CheckpointNewerVersionError | CheckpointIoError;
  /** Who holds or held the lock; absent where the last owner closed it. */
  readonly owner?: LockOwner;
}

/** All builds with a record in a folder, by build id; none where the folder is absent. Takes no lock. */
export async function listCheckpoints(directory: string): Promise<readonly CheckpointListing[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new CheckpointIoError(directory, 'read', { cause: error });
  });
  const buildIds = names.flatMap((name) => buildIdOfFileName(name) ?? []).sort();
  return Promise.all(buildIds.map((buildId) => listing(directory, buildId)));
}

async function listing(directory: string, buildId: string): Promise<CheckpointListing> {
  const paths = checkpointPaths(directory, buildId);
  const owner = await readOwner(paths.owner);
  const base = { buildId, path: paths.record, ...(owner === undefined ? {} : { owner }) };
  try {
    const record = await readCheckpoint({ directory, buildId });
    return record === undefined ? base : { ...base, record };
  } catch (error) {
    if (
      error instanceof CheckpointInvalidError ||
      error instanceof CheckpointNewerVersionError ||
      error instanceof CheckpointIoError
    ) {
      return { ...base, error };
    }
    throw error;
  }
}
