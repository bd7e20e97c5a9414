import { stat } from 'node:fs/promises';
import type { EspFile } from '@osforge/disk-image';

const mebibyte = 1024 ** 2;
/** The largest that mformat chooses. */
const clusterBytes = 32 * 1024;
/** Boot sector, folders, and the counter of a stick. */
const slackBytes = 4 * mebibyte;

/**
 * Length in bytes, whole MiB, of a FAT file system that holds these files: each in whole clusters, and two allocation
 * tables, which take at most 8 bytes for each 512 of content.
 */
export async function espBytesFor(files: readonly EspFile[]): Promise<number> {
  let content = slackBytes;
  for (const file of files) {
    const length = file.from === undefined ? (file.content?.length ?? 0) : (await stat(file.from)).size;
    content += Math.ceil(length / clusterBytes) * clusterBytes;
  }
  return Math.ceil((content * (1 + 8 / 512)) / mebibyte) * mebibyte;
}
