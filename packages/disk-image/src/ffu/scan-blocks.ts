import { type FileHandle } from 'node:fs/promises';
import type { BlockReader, Extent } from '../block/reader.ts';
import { writeAll } from '../block/write-all.ts';

/** One bit a block: 64 KiB stand for 64 GiB of disk in blocks of 128 KiB. */
const windowBytes = 64 * 1024;
const windowBlocks = 8 * windowBytes;
/** Enough to tell most blocks from zeros. */
const probeBytes = 4096;
const probesAtOnce = 8;

export interface ScanOptions {
  readonly reader: BlockReader;
  readonly extents: readonly Extent[];
  readonly blockBytes: number;
  /** Blocks that are listed elsewhere. */
  readonly except: ReadonlySet<number>;
  /** Receives the windows. */
  readonly file: FileHandle;
  readonly firstWindow: number;
  readonly signal?: AbortSignal | undefined;
  /** Called when a window is on the disk, with the blocks in it, and where it ends. */
  readonly onWindow: (window: number, blocks: number, endBytes: number) => Promise<void>;
}

/**
 * Lists the blocks that hold something else than zeros, as bits in a file, window by window: memory does not grow with the
 * disk. Holes are not read; of the rest mostly the first 4096 bytes of each block are.
 */
export async function scanBlocks(options: ScanOptions): Promise<void> {
  const { reader, extents, blockBytes, file } = options;
  const windows = Math.ceil(reader.sizeBytes / blockBytes / windowBlocks);
  const bits = new Uint8Array(windowBytes);
  let firstExtent = 0;
  for (let window = options.firstWindow; window < windows; window += 1) {
    bits.fill(0);
    const start = window * windowBlocks * blockBytes;
    const end = Math.min(start + windowBlocks * blockBytes, reader.sizeBytes);
    while (firstExtent < extents.length && endOf(extents[firstExtent]) <= start) firstExtent += 1;
    await probeAll(options, parts(extents, firstExtent, start, end, blockBytes), (block) => {
      const bit = block - window * windowBlocks;
      bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
    });
    let blocks = 0;
    for (const byte of bits) blocks += bitCount(byte);
    await writeAll(file, bits, window * windowBytes);
    await file.datasync();
    await options.onWindow(window, blocks, end);
  }
}

interface Part {
  readonly block: number;
  readonly start: number;
  readonly end: number;
}

function endOf(extent: Extent | undefined): number {
  return extent === undefined ? Infinity : extent.startBytes + extent.lengthBytes;
}

/** The stretches of data, block by block. */
function* parts(
  extents: readonly Extent[],
  first: number,
  start: number,
  end: number,
  blockBytes: number,
): Generator<Part> {
  for (let index = first; index < extents.length; index += 1) {
    const extent = extents[index];
    if (extent === undefined || extent.startBytes >= end) return;
    if (extent.zero) continue;
    const stop = Math.min(endOf(extent), end);
    for (let at = Math.max(extent.startBytes, start); at < stop;) {
      const block = Math.floor(at / blockBytes);
      const until = Math.min(stop, (block + 1) * blockBytes);
      yield { block, start: at, end: until };
      at = until;
    }
  }
}

async function probeAll(
  { reader, blockBytes, except, signal }: ScanOptions,
  list: Generator<Part>,
  found: (block: number) => void,
): Promise<void> {
  let known = -1;
  const probe = async (): Promise<void> => {
    const memory = new Uint8Array(blockBytes);
    for (let next = list.next(); next.done !== true; next = list.next()) {
      signal?.throwIfAborted();
      const { block, start, end } = next.value;
      if (block === known || except.has(block)) continue;
      const middle = Math.min(start + probeBytes, end);
      if (
        !(await isZero(reader, start, memory.subarray(0, middle - start))) ||
        (middle < end && !(await isZero(reader, middle, memory.subarray(0, end - middle))))
      ) {
        known = block;
        found(block);
      }
    }
  };
  const probes = await Promise.allSettled(Array.from({ length: probesAtOnce }, probe));
  for (const result of probes) if (result.status === 'rejected') throw result.reason;
}

async function isZero(reader: BlockReader, at: number, memory: Uint8Array): Promise<boolean> {
  if (reader.readInto === undefined) memory.set(await reader.read(at, memory.length));
  else await reader.readInto(at, memory);
  // Zero, and equal to itself moved by one: compared in native code.
  const bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
  return bytes[0] === 0 && bytes.compare(bytes, 0, bytes.length - 1, 1, bytes.length) === 0;
}

function bitCount(byte: number): number {
  let count = 0;
  for (let left = byte; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** Neighbouring blocks of the disk. */
export interface BlockRun {
  readonly diskBlock: number;
  readonly count: number;
}

/** The listed blocks in order, behind the first `skip`, at most `most` at a time; then those of `last`. */
export async function* listedBlocks(
  file: FileHandle,
  windows: number,
  last: readonly number[],
  skip: number,
  most: number,
): AsyncGenerator<BlockRun> {
  const bits = new Uint8Array(windowBytes);
  let left = skip;
  for (let window = 0; window < windows; window += 1) {
    const { bytesRead } = await file.read(bits, 0, windowBytes, window * windowBytes);
    let start = -1;
    for (let bit = 0; bit <= 8 * bytesRead; bit += 1) {
      const byte = bits[bit >>> 3] ?? 0;
      if (start < 0 && byte === 0 && (bit & 7) === 0) {
        bit += 7;
        continue;
      }
      const set = bit < 8 * bytesRead && (byte & (1 << (bit & 7))) !== 0;
      if (set && left > 0) {
        left -= 1;
        continue;
      }
      if (set && start < 0) start = bit;
      if (start >= 0 && (!set || bit - start === most)) {
        yield { diskBlock: window * windowBlocks + start, count: bit - start };
        start = set ? bit : -1;
      }
    }
  }
  for (const diskBlock of last) {
    if (left > 0) left -= 1;
    else yield { diskBlock, count: 1 };
  }
}
