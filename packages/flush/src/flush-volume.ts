import type { Stats } from 'node:fs';
import { classifyError } from './classify-error.ts';
import { startDeadline } from './deadline.ts';
import { FlushTargetError } from './errors.ts';
import type { FlushOptions } from './flush-file.ts';
import { nodeFileSystem } from './file-system.ts';
import { notVerified, type FlushReport } from './report.ts';
import { requireStrategy } from './strategy.ts';
import { syncBlockDevice } from './sync-device.ts';

/** A volume has no content to compare; {@link flushImage} verifies a device. */
export type FlushVolumeOptions = Omit<FlushOptions, 'verify'>;

/**
 * Flushes a whole volume, once. A folder or file: syncfs of the file system that holds it (it need not be the
 * mount point itself). A block device: fsync, which reports errors, then BLKFLSBUF, which drops its cached
 * pages. A file system that is mounted from the device has caches of its own: flush or unmount that first.
 *
 * @throws FlushIoError, FlushNoSpaceError, FlushNotFoundError, FlushAccessError, FlushTargetError,
 * FlushUnsupportedError, FlushTimeoutError, FlushCancelledError
 */
export async function flushVolume(
  mountOrDevice: string,
  options: FlushVolumeOptions = {},
): Promise<FlushReport> {
  const fs = options.fs ?? nodeFileSystem;
  const strategy = options.strategy ?? requireStrategy();
  const now = options.now ?? (() => performance.now());
  const startedAt = now();
  const deadline = startDeadline(mountOrDevice, options);
  try {
    let target: string;
    let stats: Stats;
    try {
      target = await deadline.step('stat', () => fs.realpath(mountOrDevice));
      stats = await deadline.step('stat', () => fs.stat(target));
    } catch (error) {
      throw classifyError(error, mountOrDevice, 'stat');
    }
    if (stats.isBlockDevice()) {
      const { bytes, verified } = await syncBlockDevice({
        fs,
        strategy,
        deadline,
        target,
        stats,
        verify: false,
      });
      const durationMs = now() - startedAt;
      return { method: 'fsync+blkflsbuf', target, durationMs, bytes, files: 0, verified };
    }
    if (!stats.isDirectory() && !stats.isFile()) {
      throw new FlushTargetError(`${target} is no folder, file or block device, so it has no volume`, {
        target,
        operation: 'stat',
      });
    }
    await strategy.syncVolume(target, deadline);
    const verified = notVerified('a volume has no content to compare');
    return { method: 'syncfs', target, durationMs: now() - startedAt, bytes: 0, files: 0, verified };
  } finally {
    deadline.end();
  }
}
