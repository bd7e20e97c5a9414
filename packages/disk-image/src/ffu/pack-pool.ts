import { Worker } from 'node:worker_threads';
import { FfuWorkerError } from '../errors.ts';
import { createPackBlock } from './pack-block.ts';
import type { PackReply, PackRequest } from './pack-worker.ts';

/** A block with memory for its compressed form. */
export interface PackSlot {
  readonly block: Uint8Array<ArrayBuffer>;
  readonly packed: Uint8Array<ArrayBuffer>;
}

export interface PackResult extends PackSlot {
  readonly digest: Uint8Array;
  /** -1: store the block as it is. */
  readonly packedBytes: number;
}

/** Hashes and compresses blocks, several at a time. */
export interface PackPool {
  /** The slot's arrays must not be used until the result, which has them (or what they became), is there. */
  pack(slot: PackSlot): Promise<PackResult>;
  close(): Promise<void>;
}

/** In this thread: for one processor, and for bundles without the worker's file. */
function inThread(): PackPool {
  const pack = createPackBlock();
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- async so that an error is a rejection
    pack: async (slot) => ({ ...slot, ...pack(slot.block, slot.packed) }),
    close: () => Promise.resolve(),
  };
}

/** The file lies beside this one, in the sources and in what is built of them. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './pack-worker.ts' : './pack-worker.js',
  import.meta.url,
);

/** `workers` threads, which are given work in turn; 0: none. */
export function createPackPool(workers: number, file: URL = workerFile): PackPool {
  if (workers === 0) return inThread();
  const waiting = new Map<
    number,
    { resolve: (result: PackResult) => void; reject: (error: Error) => void }
  >();
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  const threads = Array.from({ length: workers }, () => {
    // Small young generations: the blocks are outside of the heap, and each thread would take some 15 MiB.
    const thread = new Worker(file, {
      execArgv: [],
      env: {},
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 },
    });
    thread.on('message', (reply: PackReply) => {
      waiting.get(reply.id)?.resolve(reply);
      waiting.delete(reply.id);
    });
    thread.on('error', (cause) => {
      fail(
        new FfuWorkerError('a thread that compresses ended; pass workers: 0 to compress without threads', {
          cause,
        }),
      );
    });
    return thread;
  });
  let next = 0;
  return {
    pack({ block, packed }) {
      if (failure !== undefined) return Promise.reject(failure);
      const id = (next += 1);
      const thread = threads[id % threads.length];
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const request: PackRequest = { id, block, packed };
        thread?.postMessage(request, [block.buffer, packed.buffer]);
      });
    },
    async close() {
      fail(new FfuWorkerError('the compressing threads were closed'));
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
