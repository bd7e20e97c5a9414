import { type BlockReader, checkBounds, type Extent, openRaw } from '../block/reader.ts';
import { FfuFormatError } from '../errors.ts';
import { type BlockMap, buildBlockMap } from './block-map.ts';
import { packedBlocks } from './packed-blocks.ts';
import { type FfuLayout, type FfuStore, readLayout } from './read-layout.ts';

export interface OpenFfuOptions {
  /** Which disk of a file with several (V2), from 0; default 0. */
  readonly store?: number;
  /**
   * The most memory for the block map, in bytes; default 32 MiB, which is 512 GiB of data in V1 and 256 GiB in
   * V1_COMPRESSED files with blocks of 128 KiB. All else takes less than as much again.
   */
  readonly maxTableBytes?: number;
  /** Cancels the opening, not later reads. */
  readonly signal?: AbortSignal;
}

/** The disk in an FFU; what has no block reads as zeros. */
export interface FfuImage extends BlockReader {
  readonly layout: FfuLayout;
  readonly store: FfuStore;
  readonly map: BlockMap;
  extents(): Promise<readonly Extent[]>;
  /** The same one by one, neighbours not joined to spare memory. */
  runs(): Generator<DataRun>;
}

/** Neighbouring blocks of the disk with data. */
export interface DataRun {
  readonly startBytes: number;
  readonly lengthBytes: number;
}

/** Of `maxTableBytes`. */
export const defaultMaxTableBytes: number = 32 * 1024 * 1024;
/** Decompressed blocks that are kept. */
const keptBytes = 4 * 1024 * 1024;
const maxExtents = 100_000;

/**
 * Opens the disk in an FFU file (V1, V1_COMPRESSED or V2): all headers are checked, digests are not (verifyFfu).
 * @throws FfuFormatError, FfuUnsupportedError, FfuLimitError
 */
export async function openFfu(path: string, options: OpenFfuOptions = {}): Promise<FfuImage> {
  const file = await openRaw(path);
  try {
    return await readFfu(file, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same for a file that is read by other means; closing the image closes `reader`. */
export async function readFfu(reader: BlockReader, options: OpenFfuOptions = {}): Promise<FfuImage> {
  const { maxTableBytes = defaultMaxTableBytes, signal } = options;
  const layout = await readLayout(reader, { maxTableBytes, signal });
  const index = options.store ?? 0;
  const store = layout.stores[index];
  if (store === undefined)
    throw new FfuFormatError(
      'store header',
      0,
      `there is no store ${index}, but ${layout.stores.length} in all`,
    );
  const map = await buildBlockMap(reader, store, signal);
  const sizeBytes = store.diskSizeBytes;
  const readInto = diskReader(reader, layout, store, map);
  const runs = (): Generator<DataRun> => dataRuns(map, store);
  return {
    sizeBytes,
    layout,
    store,
    map,
    readInto,
    async read(offset, length) {
      checkBounds(offset, length, sizeBytes);
      const bytes = new Uint8Array(length);
      await readInto(offset, bytes);
      return bytes;
    },
    runs,
    extents: () => Promise.resolve(extentsOf(runs(), sizeBytes)),
    close: () => reader.close(),
  };
}

function diskReader(
  reader: BlockReader,
  layout: FfuLayout,
  store: FfuStore,
  map: BlockMap,
): (offset: number, target: Uint8Array) => Promise<void> {
  const { blockBytes, payloadOffset, diskSizeBytes } = store;
  const compressed = store.kind === 'v1-compressed';
  const cached = blockCache(
    packedBlocks(reader, layout, store, map),
    Math.max(2, Math.floor(keptBytes / blockBytes)),
  );
  const fileInto = async (offset: number, target: Uint8Array): Promise<void> => {
    if (reader.readInto !== undefined) await reader.readInto(offset, target);
    else target.set(await reader.read(offset, target.length));
  };
  return async (offset, target) => {
    checkBounds(offset, target.length, diskSizeBytes);
    const end = offset + target.length;
    let entry = map.lowerBound(Math.floor(offset / blockBytes));
    for (let at = offset; at < end;) {
      const block = Math.floor(at / blockBytes);
      const inside = at - block * blockBytes;
      if (entry >= map.size || map.diskBlock(entry) !== block) {
        const next = entry < map.size ? map.diskBlock(entry) * blockBytes : end;
        const stop = Math.min(end, next);
        target.fill(0, at - offset, stop - offset);
        at = stop;
        continue;
      }
      const payload = map.payloadBlock(entry);
      let blocks = 1;
      if (!compressed)
        while (
          (block + blocks) * blockBytes < end &&
          entry + blocks < map.size &&
          map.diskBlock(entry + blocks) === block + blocks &&
          map.payloadBlock(entry + blocks) === payload + blocks
        )
          blocks += 1;
      const stop = Math.min(end, (block + blocks) * blockBytes);
      const part = target.subarray(at - offset, stop - offset);
      if (compressed) part.set((await cached(payload)).subarray(inside, inside + part.length));
      else await fileInto(payloadOffset + payload * blockBytes + inside, part);
      at = stop;
      entry += blocks;
    }
  };
}

/** Keeps the blocks that were used last. */
function blockCache(
  load: (payload: number) => Promise<Uint8Array>,
  kept: number,
): (payload: number) => Promise<Uint8Array> {
  const blocks = new Map<number, Promise<Uint8Array>>();
  return (payload) => {
    const block = blocks.get(payload) ?? load(payload);
    blocks.delete(payload);
    blocks.set(payload, block);
    // A failed load must not be remembered; whoever waits for it gets the error.
    block.catch(() => blocks.delete(payload));
    if (blocks.size > kept)
      for (const oldest of blocks.keys()) {
        blocks.delete(oldest);
        break;
      }
    return block;
  };
}

function* dataRuns(map: BlockMap, store: FfuStore): Generator<DataRun> {
  const { blockBytes, diskSizeBytes } = store;
  for (let entry = 0; entry < map.size;) {
    const first = map.diskBlock(entry);
    let count = 1;
    while (entry + count < map.size && map.diskBlock(entry + count) === first + count) count += 1;
    const startBytes = first * blockBytes;
    // The last block may reach over the end of a disk that is not a multiple of it.
    yield { startBytes, lengthBytes: Math.min(count * blockBytes, diskSizeBytes - startBytes) };
    entry += count;
  }
}

/** A list without gaps. Where it would grow too long, the rest of the disk counts as data, which is only slower. */
function extentsOf(runs: Generator<DataRun>, sizeBytes: number): readonly Extent[] {
  const found: Extent[] = [];
  let at = 0;
  for (const { startBytes, lengthBytes } of runs) {
    if (startBytes > at)
      found.push({ startBytes: at, lengthBytes: startBytes - at, data: false, zero: true });
    if (found.length >= maxExtents) {
      at = startBytes;
      found.push({ startBytes: at, lengthBytes: sizeBytes - at, data: true, zero: false });
      return found;
    }
    found.push({ startBytes, lengthBytes, data: true, zero: false });
    at = startBytes + lengthBytes;
  }
  if (at < sizeBytes) found.push({ startBytes: at, lengthBytes: sizeBytes - at, data: false, zero: true });
  return found;
}
