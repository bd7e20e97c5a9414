import { hash } from 'node:crypto';
import type { BlockReader } from '../block/reader.ts';
import { DecompressionError, FfuFormatError } from '../errors.ts';
import type { BlockMap } from './block-map.ts';
import { decompressBlock } from './decompress-block.ts';
import { compressionIds, digestBytes } from './layout.ts';
import type { FfuLayout, FfuStore } from './read-layout.ts';
import { readPart } from './read-part.ts';

export interface CompressedStore {
  readonly reader: BlockReader;
  readonly layout: FfuLayout;
  readonly store: FfuStore;
  readonly map: BlockMap;
}

/** For one block at a time, to spare garbage where all are read in turn. */
export interface BlockMemory {
  readonly data: Uint8Array;
  readonly block: Uint8Array;
}

/** Data is at most twice as long as the block (measureStore). */
export function blockMemory(blockBytes: number): BlockMemory {
  return { data: new Uint8Array(2 * blockBytes), block: new Uint8Array(blockBytes) };
}

/** SHA-256 of one array in one call. */
export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** The place in the file of the digest of a descriptor's block. */
export function blockDigestIndex({ layout, store }: CompressedStore, descriptor: number): number {
  return (store.payloadOffset - layout.imageHeaderOffset) / layout.chunkBytes + descriptor;
}

/**
 * The block of a descriptor of a compressed file. Data as long as a block may be the block itself or, though nobody
 * should, compressed: the digest tells. With `memory` the block is valid until that is used again.
 * @throws FfuFormatError with the DecompressionError as cause
 */
export async function loadBlock(
  from: CompressedStore,
  descriptor: number,
  memory?: BlockMemory,
): Promise<Uint8Array> {
  const { reader, layout, store, map } = from;
  const offset = map.dataOffsets?.[descriptor] ?? 0;
  const length = (map.dataOffsets?.[descriptor + 1] ?? 0) - offset;
  const data = await readPart(reader, 'payload', offset, length, memory?.data);
  if (length === store.blockBytes) {
    if (store.compressionId === compressionIds.none) return data;
    const digestAt = layout.hashTableOffset + digestBytes * blockDigestIndex(from, descriptor);
    const inTable = digestAt + digestBytes <= layout.hashTableOffset + layout.hashTableBytes;
    const expected = inTable ? await readPart(reader, 'hash table', digestAt, digestBytes) : undefined;
    if (expected === undefined || sha256(data).equals(expected)) return data;
    const unpacked = tryDecompress(store.compressionId, data, store.blockBytes);
    return unpacked !== undefined && sha256(unpacked).equals(expected) ? unpacked : data;
  }
  const block = memory?.block ?? new Uint8Array(store.blockBytes);
  try {
    decompressBlock(store.compressionId, data, block);
  } catch (error) {
    if (!(error instanceof DecompressionError)) throw error;
    throw new FfuFormatError('payload', offset, `block ${descriptor}: ${error.message}`, { cause: error });
  }
  return block;
}

function tryDecompress(compressionId: number, data: Uint8Array, blockBytes: number): Uint8Array | undefined {
  const block = new Uint8Array(blockBytes);
  try {
    decompressBlock(compressionId, data, block);
    return block;
  } catch (error) {
    if (error instanceof DecompressionError) return undefined;
    throw error;
  }
}
