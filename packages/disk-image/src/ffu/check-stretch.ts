import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError } from '../errors.ts';
import { digestBytes } from './layout.ts';
import { blockMemory, loadBlock, sha256 } from './load-block.ts';
import { readPieces, type ReadPiecesOptions } from './read-pieces.ts';

/** A chunk, or block of a compressed file, that is not what its digest says. */
export interface FfuDamage {
  readonly digestIndex: number;
  /** Of the file. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Undefined where only the digest differs. */
  readonly reason: string | undefined;
}

interface Digests {
  /** Index of the first one. */
  readonly firstDigest: number;
  /** One after the other; too few where the hash table ends before. */
  readonly digests: Uint8Array;
}

/** Neighbouring chunks. The last of a file may be short. */
export interface ChunkStretch extends Digests {
  readonly kind: 'chunks';
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly chunkBytes: number;
}

/** Neighbouring blocks of a compressed file. */
export interface BlockStretch extends Digests {
  readonly kind: 'blocks';
  readonly firstBlock: number;
  /** Where the data of each begins, and where that of the last ends. */
  readonly dataOffsets: Float64Array;
  readonly compressionId: number;
  readonly blockBytes: number;
}

export type Stretch = ChunkStretch | BlockStretch;

const pieceBytes = 256 * 1024;
/** Of compressed blocks and what they expand to. */
const aheadBytes = 4 * 1024 * 1024;

/** What of a stretch does not have its digest, in the order of the file. */
export async function checkStretch(
  reader: BlockReader,
  stretch: Stretch,
  { held = 4, signal }: ReadPiecesOptions = {},
): Promise<FfuDamage[]> {
  return stretch.kind === 'chunks'
    ? checkChunks(reader, stretch, { held, signal })
    : checkBlocks(reader, stretch, { held, signal });
}

async function checkChunks(
  reader: BlockReader,
  stretch: ChunkStretch,
  options: Required<ReadPiecesOptions>,
): Promise<FfuDamage[]> {
  const { offsetBytes, lengthBytes, chunkBytes } = stretch;
  const damage: FfuDamage[] = [];
  let index = 0;
  const step = Math.max(pieceBytes, chunkBytes);
  for await (const { at, bytes } of readPieces(reader, offsetBytes, lengthBytes, step, options)) {
    for (let from = 0; from < bytes.length; from += chunkBytes, index += 1) {
      const found = bytes.subarray(from, from + chunkBytes);
      let chunk = found;
      if (found.length < chunkBytes) {
        // A short last chunk counts as filled up with zeros.
        chunk = new Uint8Array(chunkBytes);
        chunk.set(found);
      }
      const place = { offsetBytes: at + from, lengthBytes: found.length };
      const wrong = compare(stretch, index, chunk);
      if (wrong !== undefined) damage.push({ ...place, ...wrong });
    }
  }
  return damage;
}

async function checkBlocks(
  reader: BlockReader,
  stretch: BlockStretch,
  { held, signal }: Required<ReadPiecesOptions>,
): Promise<FfuDamage[]> {
  const { blockBytes, compressionId, dataOffsets, firstBlock } = stretch;
  const count = dataOffsets.length - 1;
  const damage: FfuDamage[] = [];
  /** Blocks that are read while one is expanded; each has up to twice its length in data. */
  const ahead: Promise<Uint8Array>[] = [];
  const most = Math.min(held, Math.max(1, Math.floor(aheadBytes / (3 * blockBytes))));
  const memories = Array.from({ length: most }, () => blockMemory(blockBytes));
  const place = (index: number): { offsetBytes: number; lengthBytes: number } => {
    const offsetBytes = dataOffsets[index] ?? 0;
    return { offsetBytes, lengthBytes: (dataOffsets[index + 1] ?? 0) - offsetBytes };
  };
  const load = (index: number): void => {
    if (index >= count) return;
    const packed = { descriptor: firstBlock + index, ...place(index), compressionId, blockBytes };
    const expected = (): Promise<Uint8Array | undefined> => Promise.resolve(digestOf(stretch, index));
    // The memory is that of the block before these, which is done with.
    const block = loadBlock(reader, packed, expected, memories[index % most]);
    // Handled when its turn comes.
    block.catch(() => undefined);
    ahead.push(block);
  };
  try {
    for (let index = 0; index < most; index += 1) load(index);
    for (let index = 0; index < count; index += 1) {
      signal?.throwIfAborted();
      try {
        const block = await ahead.shift();
        const wrong = block === undefined ? undefined : compare(stretch, index, block);
        if (wrong !== undefined) damage.push({ ...place(index), ...wrong });
      } catch (error) {
        if (!(error instanceof FfuFormatError)) throw error;
        const digestIndex = stretch.firstDigest + index;
        damage.push({ digestIndex, ...place(index), reason: error.reason });
      }
      load(index + most);
    }
  } finally {
    await Promise.allSettled(ahead);
  }
  return damage;
}

function digestOf({ digests }: Digests, index: number): Uint8Array | undefined {
  const digest = digests.subarray(digestBytes * index, digestBytes * (index + 1));
  return digest.length === digestBytes ? digest : undefined;
}

function compare(
  stretch: Digests,
  index: number,
  bytes: Uint8Array,
): Pick<FfuDamage, 'digestIndex' | 'reason'> | undefined {
  const expected = digestOf(stretch, index);
  if (expected !== undefined && sha256(bytes).equals(expected)) return undefined;
  const reason = expected === undefined ? 'there is no digest for it' : undefined;
  return { digestIndex: stretch.firstDigest + index, reason };
}
