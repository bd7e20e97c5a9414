import type { Stats } from 'node:fs';
import type { Deadline } from './deadline.ts';
import { FlushError } from './errors.ts';
import { runSyncTool } from './sync-tool.ts';

/**
 * Drops the cached pages of a flushed file (posix_fadvise DONTNEED, by dd) and looks whether any are left
 * (mincore, by fincore). Returns undefined if the cache is empty, else the reason why that cannot be said.
 */
export async function dropCache(path: string, stats: Stats, deadline: Deadline): Promise<string | undefined> {
  if (!stats.isFile()) return 'O_DIRECT is refused, and only the cache of a regular file can be inspected';
  try {
    // `nocache` with `count=0` reads nothing and advises for the whole file (dd's manual).
    const dd = [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'];
    await runSyncTool('dd', dd, path, 'read-back', deadline);
    const columns = ['--bytes', '--noheadings', '--output', 'RES', '--', path];
    const resident = Number((await runSyncTool('fincore', columns, path, 'read-back', deadline)).trim());
    if (resident === 0) return undefined;
    return `O_DIRECT is refused, and ${resident} bytes stay in the page cache`;
  } catch (error) {
    deadline.check('read-back');
    if (!(error instanceof FlushError)) throw error;
    return `O_DIRECT is refused, and the page cache cannot be inspected: ${error.message}`;
  }
}
