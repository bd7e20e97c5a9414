import { isAbsolute, relative, resolve, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { flushFile, hashFile } from '@osforge/flush';
import { CheckpointArtifactError } from './errors.ts';
import { readFileState, sameIdentity, withoutProof } from './file-identity.ts';
import type { FileState } from './file-identity.ts';
import type { ArtifactRecord, ArtifactRetention } from './record.ts';

export interface RecordArtifactOptions {
  readonly name: string;
  readonly retention: ArtifactRetention;
  /** Files inside it are recorded by relative path. Default: absolute paths. */
  readonly buildDirectory?: string;
  /** A digest that was computed while the file was written; with it the file is not read again. */
  readonly sha256?: string;
  /** Checked against the file where it is given. */
  readonly sizeBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (hashedBytes: number, totalBytes: number) => void;
  /** Milliseconds since 1970; default: the system clock. */
  readonly now?: () => number;
}

/**
 * The one fixed delay here. Kernels before Linux 6.13, and file systems without fine stamps since, stamp files
 * with a clock that moves each timer tick (up to 10 ms): a change in the tick of the last stamp would not show. Waiting out two ticks makes the stamp a proof.
 */
const FILE_CLOCK_MS = 20;

/**
 * Makes a file durable (its data and its name) and returns what is needed to know it again. The file must no
 * longer be written to. Regular files only.
 *
 * Throws `CheckpointArtifactError`, and the errors of `flushFile` and `hashFile` (`@osforge/flush`), also where
 * `signal` is aborted.
 */
export async function recordArtifact(path: string, options: RecordArtifactOptions): Promise<ArtifactRecord> {
  const { signal } = options;
  await fileState(path);
  await flushFile(path, { signal });
  const proven = await outlastFileClock(path, options.now ?? Date.now, signal);
  const before = await fileState(path);
  const digest =
    options.sha256 === undefined
      ? await hashFile(path, { signal, onProgress: options.onProgress })
      : { sha256: options.sha256, sizeBytes: before.sizeBytes };
  const after = await fileState(path);
  if (digest.sizeBytes !== before.sizeBytes || !sameIdentity(before.identity, after.identity)) {
    throw new CheckpointArtifactError(path, 'changed', 'it was changed while it was read');
  }
  if (options.sizeBytes !== undefined && options.sizeBytes !== after.sizeBytes) {
    throw new CheckpointArtifactError(
      path,
      'size',
      `it has ${after.sizeBytes} bytes, not the ${options.sizeBytes} that were written`,
    );
  }
  return {
    name: options.name,
    path: recordedPath(path, options.buildDirectory),
    sizeBytes: after.sizeBytes,
    sha256: digest.sha256,
    retention: options.retention,
    identity: proven ? after.identity : withoutProof(after.identity),
  };
}

async function fileState(path: string): Promise<FileState> {
  const state = await readFileState(path);
  if (state === undefined) throw new CheckpointArtifactError(path, 'missing', 'it does not exist');
  if (!state.isFile) throw new CheckpointArtifactError(path, 'not-a-file', 'it is no regular file');
  return state;
}

/** Whether a change of the file from now on is sure to show in its times. */
async function outlastFileClock(
  path: string,
  now: () => number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { ctimeMs } = await fileState(path);
  const left = ctimeMs + FILE_CLOCK_MS - now();
  // More than that: the file's clock runs ahead of ours (another host's), and to wait proves nothing.
  if (left > FILE_CLOCK_MS) return false;
  if (left >= 0) await delay(left + 1, undefined, signal === undefined ? {} : { signal });
  return true;
}

function recordedPath(path: string, buildDirectory: string | undefined): string {
  const absolute = resolve(path);
  if (buildDirectory === undefined) return absolute;
  const inside = relative(resolve(buildDirectory), absolute);
  const outside = inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  return outside ? absolute : inside;
}
