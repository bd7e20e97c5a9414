import { dirname } from 'node:path';
import type { Stats } from 'node:fs';
import { classifyError } from './classify-error.ts';
import { startDeadline } from './deadline.ts';
import { nodeFileSystem } from './file-system.ts';
import type { FlushOptions } from './flush-file.ts';
import type { FlushReport } from './report.ts';
import { requireStrategy } from './strategy.ts';
import { syncBlockDevice } from './sync-device.ts';
import { syncFolder } from './sync-folder.ts';
import { syncRegularFile } from './sync-regular-file.ts';

export interface FlushImageOptions extends FlushOptions {
  /** On a block device: the image's bytes from its start; default: the whole device. Ignored for a file. */
  sizeBytes?: number | undefined;
}

/**
 * Flushes a disk image, wherever it lies: a file as {@link flushFile} does, a block device with fsync and
 * BLKFLSBUF. Close the program that wrote it first: QEMU keeps a cache of its own.
 *
 * @throws the same errors as {@link flushFile}
 */
export async function flushImage(path: string, options: FlushImageOptions = {}): Promise<FlushReport> {
  const fs = options.fs ?? nodeFileSystem;
  const strategy = options.strategy ?? requireStrategy();
  const now = options.now ?? (() => performance.now());
  const { verify, sizeBytes } = options;
  const startedAt = now();
  const deadline = startDeadline(path, options);
  try {
    let target: string;
    let stats: Stats;
    try {
      target = await deadline.step('stat', () => fs.realpath(path));
      stats = await deadline.step('stat', () => fs.stat(target));
    } catch (error) {
      throw classifyError(error, path, 'stat');
    }
    if (stats.isBlockDevice()) {
      const job = { fs, strategy, deadline, target, stats, verify, sizeBytes };
      const { bytes, verified } = await syncBlockDevice(job);
      const durationMs = now() - startedAt;
      return { method: 'fsync+blkflsbuf', target, durationMs, bytes, files: 0, verified };
    }
    const job = { fs, strategy, deadline, target, dataOnly: false, verify };
    const { bytes, verified } = await syncRegularFile(job);
    await syncFolder(fs, strategy, deadline, dirname(target));
    return { method: 'fsync', target, durationMs: now() - startedAt, bytes, files: 1, verified };
  } finally {
    deadline.end();
  }
}
