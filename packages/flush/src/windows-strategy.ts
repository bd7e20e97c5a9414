import { FlushUnsupportedError, type FlushOperation } from './errors.ts';
import type { FlushStrategy } from './strategy.ts';

function refuse(operation: FlushOperation, method: string): Promise<never> {
  const message = `flush by ${method} on Windows is not implemented yet; run this on Linux`;
  return Promise.reject(new FlushUnsupportedError(message, { target: 'windows', operation }));
}

/**
 * The place for Windows: FlushFileBuffers for files, Write-VolumeCache for volumes (one call, no repeats).
 * Windows has no fsync of a folder; MoveFileEx with MOVEFILE_WRITE_THROUGH takes its part.
 */
export const windowsStrategy: FlushStrategy = {
  platform: 'windows',
  syncFile: () => refuse('fsync', 'FlushFileBuffers'),
  syncDirectory: () => refuse('fsync-directory', 'MoveFileEx with MOVEFILE_WRITE_THROUGH'),
  syncVolume: () => refuse('syncfs', 'Write-VolumeCache'),
  syncDevice: () => refuse('blkflsbuf', 'FlushFileBuffers on the volume'),
};
