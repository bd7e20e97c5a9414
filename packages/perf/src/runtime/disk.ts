import { statfs } from 'node:fs/promises';
import type { RuntimePart, RuntimeScope } from './runtime-part.ts';

/** Space of the file systems that the folders are on. */
export function diskPart(scope: RuntimeScope, folders: readonly string[]): RuntimePart {
  const labels = ['folder'] as const;
  const free = scope.gauges({
    name: 'osforge_disk_free_bytes',
    help: 'Space that this user may still fill.',
    labels,
  });
  const size = scope.gauges({ name: 'osforge_disk_size_bytes', help: 'Size of the file system.', labels });
  return {
    async collect() {
      const read = await Promise.allSettled(
        folders.map(async (folder) => {
          const { bavail, blocks, bsize } = await statfs(folder).catch((error: unknown) => {
            // What is no longer known must not be shown as if it were.
            free.remove({ folder });
            size.remove({ folder });
            throw error;
          });
          free.labels({ folder }).set(bavail * bsize);
          size.labels({ folder }).set(blocks * bsize);
        }),
      );
      const failed = read.find((each) => each.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}
