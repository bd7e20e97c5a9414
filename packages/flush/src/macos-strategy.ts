import { FlushUnsupportedError, type FlushOperation } from './errors.ts';
import type { FlushStrategy } from './strategy.ts';

function refuse(operation: FlushOperation, method: string): Promise<never> {
  const message = `flush by ${method} on macOS is not implemented yet; run this on Linux`;
  return Promise.reject(new FlushUnsupportedError(message, { target: 'macos', operation }));
}

/** The place for macOS, where fsync stops at the drive's cache and only F_FULLFSYNC goes through it. */
export const macosStrategy: FlushStrategy = {
  platform: 'macos',
  syncFile: () => refuse('fsync', 'F_FULLFSYNC'),
  syncDirectory: () => refuse('fsync-directory', 'F_FULLFSYNC of the folder'),
  syncVolume: () => refuse('syncfs', 'F_FULLFSYNC and sync_volume_np'),
  syncDevice: () => refuse('blkflsbuf', 'DKIOCSYNCHRONIZECACHE'),
};
