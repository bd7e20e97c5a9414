import { parentPort, workerData } from 'node:worker_threads';
import type { Layout } from './layout.ts';
import { RangeDigests } from './range-digests.ts';

/** What the thread is started with. */
export interface DigestWorkerData {
  readonly layout: Layout;
  /** False saves hashing everything twice. */
  readonly whole: boolean;
}

/** The next chunk: its bytes in shared memory, nothing for zeros; or the end of the image. */
export type DigestRequest =
  { readonly index: number; readonly lengthBytes: number; readonly bytes: Uint8Array | undefined } | 'end';

export interface DigestReply {
  /** The chunk whose memory is no longer needed; undefined at the end. */
  readonly hashed: number | undefined;
  /** Of the ranges that this completed. */
  readonly ranges: readonly string[];
  readonly sizeBytes: number | undefined;
  readonly whole: string | undefined;
}

const { layout, whole } = workerData as DigestWorkerData; // the other end is this package in the same version
const zeros = Buffer.alloc(layout.chunkBytes);
const digests = new RangeDigests(layout, zeros, whole);
let told = 0;

parentPort?.on('message', (request: DigestRequest) => {
  if (request === 'end') digests.end();
  else digests.add(request);
  const ranges = digests.ranges.slice(told);
  told += ranges.length;
  const reply: DigestReply = {
    hashed: request === 'end' ? undefined : request.index,
    ranges,
    sizeBytes: digests.sizeBytes,
    whole: digests.whole,
  };
  parentPort?.postMessage(reply);
});
