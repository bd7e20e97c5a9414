import { contentDigest } from '../block/digest.ts';
import type { BlockReader } from '../block/reader.ts';
import type { PromisedDisk } from './checksum-lists.ts';
import type { VerifyCheck } from './verify-check.ts';

/** The digest of the disk; `known`, where that of the file is the same. */
export async function checkContent(
  reader: BlockReader,
  { source, sha256, sizeBytes }: PromisedDisk,
  known: string | undefined,
  signal: AbortSignal | undefined,
): Promise<VerifyCheck> {
  if (reader.sizeBytes !== sizeBytes)
    return {
      name: 'disk',
      status: 'failed',
      detail: `${source} says a disk of ${sizeBytes} bytes, but it has ${reader.sizeBytes}`,
    };
  const found = known ?? (await contentDigest(reader, signal === undefined ? {} : { signal }));
  return found === sha256
    ? { name: 'disk', status: 'ok', detail: `SHA-256 of the disk as in ${source}` }
    : {
        name: 'disk',
        status: 'failed',
        detail: `${source} says SHA-256 ${sha256} of the disk, but it has ${found}`,
      };
}
