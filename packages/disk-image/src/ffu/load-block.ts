import { hash } from 'node:crypto';
import type { BlockReader } from '../block/reader.ts';
import { DecompressionError, FfuFormatError } from '../errors.ts';
import { decompressBlock } from './decompress-block.ts';
import { compressionIds } from './layout.ts';
import { readPart } from './read-part.ts';

/** Where the data of a block of a compressed file is, and how it is packed. */
export interface PackedBlock {
  readonly descriptor: number;
  /** Of the file. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly compressionId: number;
  readonly blockBytes: number;
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

/**
 * A block of a compressed file. Data as long as a block may be the block itself or, though nobody should, compressed: the
 * digest tells, and `digest` reads it (undefined where the hash table ends before). With `memory` the block is valid until
 * that is used again.
 * @throws FfuFormatError with the DecompressionError as cause
 */
export async function loadBlock(
  reader: BlockReader,
  { descriptor, offsetBytes, lengthBytes, compressionId, blockBytes }: PackedBlock,
  digest: () => Promise<Uint8Array | undefined>,
  memory?: BlockMemory,
): Promise<Uint8Array> {
  const data = await readPart(reader, 'payload', offsetBytes, lengthBytes, memory?.data);
  if (lengthBytes === blockBytes) {
    if (compressionId === compressionIds.none) return data;
    const expected = await digest();
    if (expected === undefined || sha256(data).equals(expected)) return data;
    const unpacked = tryDecompress(compressionId, data, blockBytes);
    return unpacked !== undefined && sha256(unpacked).equals(expected) ? unpacked : data;
  }
  const block = memory?.block ?? new Uint8Array(blockBytes);
  try {
    decompressBlock(compressionId, data, block);
  } catch (error) {
    if (!(error instanceof DecompressionError)) throw error;
    throw new FfuFormatError('payload', offsetBytes, `block ${descriptor}: ${error.message}`, {
      cause: error,
    });
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
