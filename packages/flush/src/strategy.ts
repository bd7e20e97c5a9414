import type { Deadline } from './deadline.ts';
import { FlushUnsupportedError } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { linuxStrategy } from './linux-strategy.ts';
import { macosStrategy } from './macos-strategy.ts';
import { windowsStrategy } from './windows-strategy.ts';

/** What differs between operating systems. */
export interface FlushStrategy {
  readonly platform: 'linux' | 'windows' | 'macos';
  /** Everything of one file that is in the page cache goes to the device; with `dataOnly` without times. */
  syncFile(file: OpenFile, options: { dataOnly: boolean }): Promise<void>;
  /** The names in an open folder go to the device. */
  syncDirectory(folder: OpenFile): Promise<void>;
  /** Everything of the file system that holds `path` goes to its device. */
  syncVolume(path: string, deadline: Deadline): Promise<void>;
  /** Everything cached for a block device goes to it, and its cached pages are dropped. */
  syncDevice(path: string, fs: FileSystem, deadline: Deadline): Promise<void>;
}

/**
 * The strategy for a platform, as `process.platform` names it.
 *
 * @throws FlushUnsupportedError for a platform without any strategy
 */
export function requireStrategy(platform: NodeJS.Platform = process.platform): FlushStrategy {
  switch (platform) {
    case 'linux':
      return linuxStrategy;
    case 'win32':
      return windowsStrategy;
    case 'darwin':
      return macosStrategy;
    default:
      throw new FlushUnsupportedError(`flush has no strategy for ${platform}; it works on Linux`, {
        target: platform,
        operation: 'fsync',
      });
  }
}
