import { createThreadPool } from '../threads/thread-pool.ts';
import { createPackBlock } from './pack-block.ts';

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
  const pool = createThreadPool<PackSlot, PackResult>({ threads: workers, file, purpose: 'compress' });
  return {
    pack: ({ block, packed }) => pool.run({ block, packed }, [block.buffer, packed.buffer]),
    close: () => pool.close(),
  };
}
