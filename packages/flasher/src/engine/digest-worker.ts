import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { Layout } from './layout.ts';
import { type ChunkBytes, RangeDigests } from './range-digests.ts';

/** What the thread is started with. */
export interface DigestWorkerData {
  readonly layout: Layout;
  /** Whether it makes the digests of the ranges, or that of the whole image. */
  readonly part: 'ranges' | 'whole';
}

/** The next chunk, its bytes in shared memory; or the end of the image. */
export type DigestRequest = ChunkBytes | 'end';

/** The chunk whose memory is no longer needed, and the digests that it completed. */
export interface DigestReply {
  readonly hashed: number | undefined;
  readonly digests: readonly string[];
}

const { layout, part } = workerData as DigestWorkerData; // the other end is this package in the same version
const zeros = Buffer.alloc(layout.chunkBytes);

function ofRanges(): (request: DigestRequest) => readonly string[] {
  const ranges = new RangeDigests(layout, zeros);
  let told = 0;
  return (request) => {
    if (request === 'end') ranges.end();
    else ranges.add(request);
    const digests = ranges.digests.slice(told);
    told += digests.length;
    return digests;
  };
}

function ofWhole(): (request: DigestRequest) => readonly string[] {
  const hash = createHash('sha256');
  return (request) => {
    if (request === 'end') return [hash.digest('hex')];
    hash.update(request.bytes ?? zeros.subarray(0, request.lengthBytes));
    return [];
  };
}

const take = part === 'ranges' ? ofRanges() : ofWhole();
parentPort?.on('message', (request: DigestRequest) => {
  const digests = take(request);
  const reply: DigestReply = { hashed: request === 'end' ? undefined : request.index, digests };
  parentPort?.postMessage(reply);
});
