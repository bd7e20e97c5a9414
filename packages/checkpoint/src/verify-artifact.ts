import { isAbsolute, resolve } from 'node:path';
import { FlushNotFoundError, hashFile } from '@osforge/flush';
import { CheckpointArtifactError } from './errors.ts';
import { readFileState, sameIdentity } from './file-identity.ts';
import type { ArtifactRecord } from './record.ts';

export interface VerifyArtifactOptions {
  /** What relative paths start from. Needed for records with a relative path. */
  readonly buildDirectory?: string;
  /** Hash the file even where its identity is unchanged, to find decay of the disk. Default: false. */
  readonly deep?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (hashedBytes: number, totalBytes: number) => void;
}

export type ArtifactVerdict =
  | {
      readonly ok: true;
      /** `identity`: nothing touched the file since it was recorded, so it was not read. */
      readonly how: 'identity' | 'digest';
      /**
       * Set where the content is right but the identity is another (a copied build folder): the record to keep,
       * so that the file is not hashed each time.
       */
      readonly refreshed?: ArtifactRecord;
    }
  | { readonly ok: false; readonly reason: 'missing' | 'size' | 'digest'; readonly detail: string };

/** Where an artifact's file is. Throws `CheckpointArtifactError` for a relative path without `buildDirectory`. */
export function artifactPath(record: ArtifactRecord, buildDirectory?: string): string {
  if (isAbsolute(record.path)) return record.path;
  if (buildDirectory === undefined) {
    throw new CheckpointArtifactError(
      record.path,
      'path',
      'its path is relative, and no build folder was given',
    );
  }
  return resolve(buildDirectory, record.path);
}

/**
 * Whether an artifact is still what was recorded. It is trusted where size, inode, modification time and change
 * time are the same, else hashed. A released artifact is looked at like any other.
 *
 * Throws the errors of `hashFile` (`@osforge/flush`) where the file cannot be read.
 */
export async function verifyArtifact(
  record: ArtifactRecord,
  options: VerifyArtifactOptions = {},
): Promise<ArtifactVerdict> {
  const path = artifactPath(record, options.buildDirectory);
  const state = await readFileState(path);
  if (state === undefined) return missing(`${path} does not exist`);
  if (!state.isFile) return missing(`${path} is no regular file`);
  if (state.sizeBytes !== record.sizeBytes) {
    return {
      ok: false,
      reason: 'size',
      detail: `${path} has ${state.sizeBytes} bytes, not ${record.sizeBytes}`,
    };
  }
  const same = sameIdentity(record.identity, state.identity);
  if (same && options.deep !== true) return { ok: true, how: 'identity' };
  const digest = await hashOrUndefined(path, options);
  if (digest === undefined) return missing(`${path} does not exist`);
  if (digest !== record.sha256) {
    return { ok: false, reason: 'digest', detail: `${path} has SHA-256 ${digest}, not ${record.sha256}` };
  }
  // The identity was read before the hash, so a change during or after it will show.
  return same
    ? { ok: true, how: 'digest' }
    : { ok: true, how: 'digest', refreshed: { ...record, identity: state.identity } };
}

async function hashOrUndefined(path: string, options: VerifyArtifactOptions): Promise<string | undefined> {
  try {
    return (await hashFile(path, { signal: options.signal, onProgress: options.onProgress })).sha256;
  } catch (error) {
    if (error instanceof FlushNotFoundError) return undefined;
    throw error;
  }
}

function missing(detail: string): ArtifactVerdict {
  return { ok: false, reason: 'missing', detail };
}
