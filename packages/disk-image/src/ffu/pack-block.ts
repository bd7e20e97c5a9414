import { hash } from 'node:crypto';
import { createXpressCompressor } from '../compression/xpress-compress.ts';

/** Digest of a block, and its compressed length; -1 where compression does not pay. */
export interface PackedBlock {
  readonly digest: Uint8Array;
  readonly packedBytes: number;
}

/** Hashes a block and compresses it into `packed`, which is as long as the block. */
export type PackBlock = (block: Uint8Array, packed: Uint8Array) => PackedBlock;

export function createPackBlock(): PackBlock {
  const compressor = createXpressCompressor();
  return (block, packed) => ({
    digest: hash('sha256', block, 'buffer'),
    // One byte less than the block: data as long as the block is the block itself.
    packedBytes: compressor.compress(block, packed.subarray(0, block.length - 1)),
  });
}
