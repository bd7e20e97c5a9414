import { createHash } from 'node:crypto';
import { alignedBuffer, blockBytes } from './aligned-buffer.ts';
import type { Deadline } from './deadline.ts';
import type { OpenFile } from './file-system.ts';

export interface ReadDigest {
  sha256: string;
  bytes: number;
  /** Bytes in 4 KiB blocks that are not all zeros. Such a block is no hole: a device must have delivered it. */
  dataBytes: number;
}

const chunkBytes = 1024 * 1024;
const zeros = Buffer.alloc(blockBytes);

/**
 * Reads a file in aligned steps into aligned memory, as O_DIRECT wants it, and hashes it. One chunk is read
 * while the one before it is hashed.
 */
export async function readDigest(
  file: OpenFile,
  limitBytes: number,
  deadline: Deadline,
): Promise<ReadDigest> {
  const hash = createHash('sha256');
  let current = alignedBuffer(chunkBytes);
  let spare = alignedBuffer(chunkBytes);
  let bytes = 0;
  let dataBytes = 0;
  const fill = async (buffer: Buffer, position: number): Promise<number> => {
    // Asked for in whole chunks, also beyond the limit and the end: O_DIRECT refuses odd lengths.
    if (position >= limitBytes) return 0;
    const { bytesRead } = await deadline.step('read-back', () => file.read(buffer, 0, chunkBytes, position));
    return Math.min(bytesRead, limitBytes - position);
  };
  let count = await fill(current, 0);
  while (count > 0) {
    // A short read is the end; to go on from an odd position would be refused.
    const odd = count % blockBytes !== 0;
    const next = odd ? Promise.resolve(0) : fill(spare, bytes + count);
    const chunk = current.subarray(0, count);
    hash.update(chunk);
    dataBytes += countData(chunk);
    bytes += count;
    count = await next;
    [current, spare] = [spare, current];
  }
  return { sha256: hash.digest('hex'), bytes, dataBytes };
}

function countData(chunk: Buffer): number {
  let data = 0;
  for (let at = 0; at < chunk.length; at += blockBytes) {
    const end = Math.min(at + blockBytes, chunk.length);
    if (zeros.compare(chunk, at, end, 0, end - at) !== 0) data += end - at;
  }
  return data;
}
