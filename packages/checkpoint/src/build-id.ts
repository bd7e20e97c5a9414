import { join } from 'node:path';
import { CheckpointBuildIdError } from './errors.ts';

/** ASCII letters, digits, `.`, `_` and `-`; starts with a letter or digit; at most 100 characters. */
export const BUILD_ID_PATTERN: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Where the files of one build lie. Only records end in `.json`, so no build id can name another's side file. */
export interface CheckpointPaths {
  readonly record: string;
  readonly lock: string;
  readonly owner: string;
}

/** Throws `CheckpointBuildIdError` where the id could name anything but a file in `directory`. */
export function checkpointPaths(directory: string, buildId: string): CheckpointPaths {
  if (!BUILD_ID_PATTERN.test(buildId)) throw new CheckpointBuildIdError(buildId);
  const base = join(directory, `checkpoint-${buildId}`);
  return { record: `${base}.json`, lock: `${base}.lock`, owner: `${base}.owner` };
}

/** The build id of a record's file name, or `undefined` where it is no record. */
export function buildIdOfFileName(fileName: string): string | undefined {
  const buildId = /^checkpoint-(.*)\.json$/.exec(fileName)?.[1];
  return buildId !== undefined && BUILD_ID_PATTERN.test(buildId) ? buildId : undefined;
}
