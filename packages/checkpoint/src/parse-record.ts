import { buildRecordSchema, describeIssues } from './record-schema.ts';
import { CheckpointInvalidError, CheckpointNewerVersionError } from './errors.ts';
import { migrateV1 } from './migrate-v1.ts';
import type { BuildRecord } from './record.ts';
import { RECORD_VERSION } from './record.ts';

export interface ParsedRecord {
  readonly record: BuildRecord;
  readonly origin: 'loaded' | 'migrated';
}

/**
 * Reads the text of a record of any version up to ours. Throws `CheckpointNewerVersionError` for a version that
 * we do not know yet, `CheckpointInvalidError` for anything that does not hold.
 */
export function parseRecord(text: string, path: string, buildId: string): ParsedRecord {
  const json = parseJson(text, path);
  const version = versionOf(json);
  if (version.major > RECORD_VERSION)
    throw new CheckpointNewerVersionError(path, version.text, RECORD_VERSION);
  const origin = version.major === 1 ? 'migrated' : 'loaded';
  const parsed = buildRecordSchema.safeParse(version.major === 1 ? migrateV1(json, path) : json);
  if (!parsed.success) {
    throw new CheckpointInvalidError(path, 'schema', describeIssues(parsed.error), { cause: parsed.error });
  }
  if (parsed.data.buildId !== buildId) {
    throw new CheckpointInvalidError(path, 'build-id', [
      `buildId: is ${parsed.data.buildId}, not ${buildId}`,
    ]);
  }
  return { record: parsed.data, origin };
}

/** JSON text, with the byte order mark that some writers of version 1 put before it. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (error) {
    throw new CheckpointInvalidError(path, 'torn', [error instanceof Error ? error.message : String(error)], {
      cause: error,
    });
  }
}

/** Version 1 wrote "1.0", later ones write a whole number. Anything else is no version: major 0. */
function versionOf(json: unknown): { major: number; text: string } {
  const version: unknown =
    typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined;
  const text = typeof version === 'string' || typeof version === 'number' ? String(version) : '';
  const major = /^(\d+)(?:\.\d+)*$/.exec(text)?.[1];
  return { major: major === undefined ? 0 : Number(major), text };
}
