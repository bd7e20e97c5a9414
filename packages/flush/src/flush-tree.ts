import { createHash } from 'node:crypto';
import { dirname, relative } from 'node:path';
import { classifyError } from './classify-error.ts';
import { startDeadline } from './deadline.ts';
import { FlushVerifyError } from './errors.ts';
import { nodeFileSystem } from './file-system.ts';
import type { FlushOptions } from './flush-file.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { notVerified, type FlushReport, type FlushVerification } from './report.ts';
import { requireStrategy } from './strategy.ts';
import { syncFolder } from './sync-folder.ts';
import { syncRegularFile } from './sync-regular-file.ts';
import { verifyOptions } from './verify-options.ts';
import { walkTree } from './walk-tree.ts';

export interface FlushTreeOptions extends FlushOptions {
  /** Files flushed at once; default 4, as many as Node's pool has threads. */
  concurrency?: number | undefined;
}

/**
 * Flushes every regular file of a tree, then its folders from the deepest up, then the folder that holds it.
 * Symbolic links are not followed; devices, FIFOs and sockets have nothing to flush. At the first error no
 * further file is begun. For a tree of very many small files on a file system of its own, `flushVolume` is
 * faster: one syncfs in place of an fsync for each.
 *
 * The digests in `verified` are the SHA-256 of the lines `<sha256>  <relative path>\n`, sorted by path in
 * UTF-16 order; `verify.expected` is compared with that.
 *
 * @throws the same errors as {@link flushFile}
 */
export async function flushTree(directory: string, options: FlushTreeOptions = {}): Promise<FlushReport> {
  const fs = options.fs ?? nodeFileSystem;
  const strategy = options.strategy ?? requireStrategy();
  const now = options.now ?? (() => performance.now());
  const verify = verifyOptions(options.verify);
  const startedAt = now();
  const deadline = startDeadline(directory, options);
  try {
    const target = await deadline
      .step('stat', () => fs.realpath(directory))
      .catch((error: unknown) => Promise.reject(classifyError(error, directory, 'stat')));
    const tree = await walkTree(fs, target, deadline);
    const flushed = await mapConcurrently(tree.files, options.concurrency ?? 4, (file) =>
      syncRegularFile({
        fs,
        strategy,
        deadline,
        target: file,
        dataOnly: false,
        verify: verify && { required: verify.required },
      }),
    );
    for (const folder of tree.foldersDeepestFirst) await syncFolder(fs, strategy, deadline, folder);
    await syncFolder(fs, strategy, deadline, dirname(target));
    const parts = flushed.map(({ verified }, index) => ({
      name: relative(target, tree.files[index] ?? target),
      verified,
    }));
    return {
      method: 'fsync',
      target,
      durationMs: now() - startedAt,
      bytes: flushed.reduce((sum, { bytes }) => sum + bytes, 0),
      files: flushed.length,
      verified:
        verify === undefined ? notVerified('not requested') : joinParts(target, parts, verify.expected),
    };
  } finally {
    deadline.end();
  }
}

interface Part {
  name: string;
  verified: FlushVerification;
}

/** The tree is as well verified as its worst file. */
function joinParts(target: string, parts: readonly Part[], wanted: string | undefined): FlushVerification {
  const lines = parts.map(({ name, verified }) => `${verified.actual ?? ''}  ${name}\n`);
  const actual = createHash('sha256').update(lines.join('')).digest('hex');
  const expected = wanted ?? actual;
  if (actual !== expected) {
    const message = `the files of ${target} read back as digest ${actual}, expected ${expected}`;
    throw new FlushVerifyError(message, { target, operation: 'read-back', expected, actual });
  }
  const bytes = parts.reduce((sum, { verified }) => sum + (verified.bytes ?? 0), 0);
  const found = { algorithm: 'sha256', expected, actual, bytes } as const;
  const unproven = parts.find(({ verified }) => verified.how === 'none');
  if (unproven !== undefined) {
    return { how: 'none', reason: `${unproven.name}: ${unproven.verified.reason ?? 'unknown'}`, ...found };
  }
  const dropped = parts.some(({ verified }) => verified.how === 'read-back-dropped-cache');
  return { how: dropped ? 'read-back-dropped-cache' : 'read-back-direct', ...found };
}
