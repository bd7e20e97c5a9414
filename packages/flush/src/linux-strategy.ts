import { constants } from 'node:fs';
import { classifyError } from './classify-error.ts';
import { runSyncTool } from './sync-tool.ts';
import type { FlushStrategy } from './strategy.ts';

/** Linux: fsync, fdatasync, syncfs (by `sync -f`) and BLKFLSBUF (by `blockdev --flushbufs`). */
export const linuxStrategy: FlushStrategy = {
  platform: 'linux',
  syncFile: (file, { dataOnly }) => (dataOnly ? file.datasync() : file.sync()),
  syncDirectory: (folder) => folder.sync(),
  async syncVolume(path, deadline) {
    await runSyncTool('sync', ['-f', '--', path], path, 'syncfs', deadline);
  },
  async syncDevice(path, fs, deadline) {
    const device = await deadline.open(fs, path, constants.O_RDONLY | constants.O_NONBLOCK, 'open');
    try {
      // BLKFLSBUF also writes back, but the kernel ignores the errors of that: fsync first, which reports.
      await deadline.step('fsync', () => device.sync());
    } catch (error) {
      throw classifyError(error, path, 'fsync');
    } finally {
      await deadline.closeRead(device);
    }
    await runSyncTool('blockdev', ['--flushbufs', path], path, 'blkflsbuf', deadline);
  },
};
