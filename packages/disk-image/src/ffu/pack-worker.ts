import { parentPort } from 'node:worker_threads';
import { createPackBlock } from './pack-block.ts';

/** Both arrays travel to the worker and back. */
export interface PackRequest {
  readonly id: number;
  readonly block: Uint8Array<ArrayBuffer>;
  readonly packed: Uint8Array<ArrayBuffer>;
}

export interface PackReply extends PackRequest {
  readonly digest: Uint8Array;
  readonly packedBytes: number;
}

const pack = createPackBlock();
const port = parentPort;
port?.on('message', ({ id, block, packed }: PackRequest) => {
  const { digest, packedBytes } = pack(block, packed);
  const reply: PackReply = { id, block, packed, digest, packedBytes };
  port.postMessage(reply, [block.buffer, packed.buffer]);
});
