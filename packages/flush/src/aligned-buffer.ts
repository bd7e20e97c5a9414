/** The largest page and logical block that O_DIRECT asks for on the machines that Node runs on. */
export const blockBytes = 4096;

/** Node has it, and only TypeScript's library for browsers declares it. */
declare const WebAssembly: { Memory: new (options: { initial: number }) => { buffer: ArrayBuffer } };

const wasmPageBytes = 65_536;

/**
 * Memory that starts on a page boundary, as O_DIRECT wants it. Node has no way to align a Buffer, but
 * WebAssembly's memory is mapped, and mappings start on a page.
 */
export function alignedBuffer(sizeBytes: number): Buffer {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(sizeBytes / wasmPageBytes) });
  return Buffer.from(memory.buffer, 0, sizeBytes);
}
