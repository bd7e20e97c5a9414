/** Node has it, and only TypeScript's library for browsers declares it. */
declare const WebAssembly: {
  Memory: new (options: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
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
 * It cannot be transferred to a worker thread.
 */
export function alignedSlab(sizeBytes: number): ArrayBuffer {
  const pages = Math.ceil(sizeBytes / wasmPageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
}
