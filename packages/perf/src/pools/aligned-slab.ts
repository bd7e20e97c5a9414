/** Node has it, and only TypeScript's library for browsers declares it. */
declare const WebAssembly: {
  Memory: {
    new (options: { initial: number; maximum: number }): { buffer: ArrayBuffer };
    new (options: { initial: number; maximum: number; shared: true }): { buffer: SharedArrayBuffer };
  };
};

/** The unit in which WebAssembly's memory is asked for, and the most of them. */
const wasmPageBytes = 65_536;
export const maxSlabBytes: number = 65_536 * wasmPageBytes;

/**
 * Zeroed memory that starts on a page boundary. Node gives no addresses and has no aligned allocation: a large
 * ArrayBuffer of its own comes from the C library, which puts 16 bytes of bookkeeping before it, so it is never on a
 * page. WebAssembly's memory is mapped by V8, and a mapping starts on a page. Each reserves some 10 GB of addresses
 * (no memory) as a guard, which is why a pool takes one slab and cuts it.
 *
 * It cannot be transferred to a worker thread; shared memory is there for all threads that are given it.
 */
export function alignedSlab(sizeBytes: number, shared = false): ArrayBuffer | SharedArrayBuffer {
  const pages = Math.ceil(sizeBytes / wasmPageBytes);
  const options = { initial: pages, maximum: pages };
  return shared
    ? new WebAssembly.Memory({ ...options, shared: true }).buffer
    : new WebAssembly.Memory(options).buffer;
}
