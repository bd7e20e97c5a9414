import type { BlockReader } from '../block/reader.ts';
import { firstBlock } from './measure-store.ts';
import type { FfuStore } from './read-layout.ts';
import { walkDescriptors } from './walk-descriptors.ts';

/** Which block of the payload each block of a disk has; blocks that are not there read as zeros. */
export interface BlockMap {
  /** Number of disk blocks with data. */
  readonly size: number;
  /** The disk block of an entry; entries are in the order of the disk. */
  diskBlock(entry: number): number;
  /** The payload block of an entry; in compressed files the number of its descriptor. */
  payloadBlock(entry: number): number;
  /** The first entry whose disk block is not before `diskBlock`. */
  lowerBound(diskBlock: number): number;
  /** Compressed files: where the data of each descriptor begins in the file, and where the last one ends. */
  readonly dataOffsets: Float64Array | undefined;
}

/**
 * Builds the map of a measured store: 8 bytes a written block. The last write to a block wins; within one descriptor,
 * whose blocks go to several places, the later payload block.
 */
export async function buildBlockMap(
  reader: BlockReader,
  store: FfuStore,
  signal?: AbortSignal,
): Promise<BlockMap> {
  const compressed = store.kind === 'v1-compressed';
  const keys = new BigUint64Array(store.mapEntries);
  // On little-endian machines, which all of Node's are but one: payload block, then disk block.
  const words = new Uint32Array(keys.buffer);
  const dataOffsets = compressed ? new Float64Array(store.descriptorCount + 1) : undefined;
  let entry = 0;
  let payload = 0;
  let next = 0;
  let count = 0;
  let data = store.payloadOffset;
  const order = { sorted: true, previous: -1 };
  await walkDescriptors(
    reader,
    {
      offsetBytes: store.descriptorsOffset,
      lengthBytes: store.descriptorsBytes,
      count: store.descriptorCount,
      withDataBytes: compressed,
    },
    {
      descriptor(ordinal, _locations, blockCount, dataBytes) {
        payload = next;
        next += blockCount;
        count = blockCount;
        if (dataOffsets !== undefined) {
          dataOffsets[ordinal] = data;
          data += dataBytes;
          dataOffsets[ordinal + 1] = data;
        }
      },
      location(method, index) {
        const first = firstBlock(method, index, store.diskSizeBytes, store.blockBytes);
        for (let block = 0; block < count; block += 1) {
          words[2 * entry] = payload + block;
          words[2 * entry + 1] = first + block;
          if (first + block <= order.previous) order.sorted = false;
          order.previous = first + block;
          entry += 1;
        }
      },
    },
    signal,
  );
  // Disk block, then payload block: of equal disk blocks the last one counts.
  if (!order.sorted) keys.sort();
  let size = 0;
  for (let from = 0; from < entry; from += 1) {
    if (from + 1 < entry && words[2 * from + 1] === words[2 * from + 3]) continue;
    words[2 * size] = words[2 * from] ?? 0;
    words[2 * size + 1] = words[2 * from + 1] ?? 0;
    size += 1;
  }
  const diskBlock = (index: number): number => words[2 * index + 1] ?? 0;
  return {
    size,
    diskBlock,
    payloadBlock: (index) => words[2 * index] ?? 0,
    lowerBound(block) {
      let low = 0;
      let high = size;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (diskBlock(middle) < block) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    dataOffsets,
  };
}
