import type { BlockReader } from '../block/reader.ts';
import type { BlockMap } from './block-map.ts';
import { digestBytes } from './layout.ts';
import { loadBlock } from './load-block.ts';
import type { FfuLayout, FfuStore } from './read-layout.ts';
import { readPart } from './read-part.ts';

/** The index of the digest of the first block of a compressed file; those of its headers come before. */
export function firstBlockDigest(layout: FfuLayout, store: FfuStore): number {
  return (store.payloadOffset - layout.imageHeaderOffset) / layout.chunkBytes;
}

/** Loads the blocks of a compressed file by the number of their descriptor. */
export function packedBlocks(
  reader: BlockReader,
  layout: FfuLayout,
  store: FfuStore,
  { dataOffsets }: BlockMap,
): (descriptor: number) => Promise<Uint8Array> {
  const { compressionId, blockBytes } = store;
  const firstDigest = firstBlockDigest(layout, store);
  return (descriptor) => {
    const offsetBytes = dataOffsets?.[descriptor] ?? 0;
    const lengthBytes = (dataOffsets?.[descriptor + 1] ?? 0) - offsetBytes;
    const digestAt = layout.hashTableOffset + digestBytes * (firstDigest + descriptor);
    const isInTable = digestAt + digestBytes <= layout.hashTableOffset + layout.hashTableBytes;
    return loadBlock(reader, { descriptor, offsetBytes, lengthBytes, compressionId, blockBytes }, () =>
      isInTable ? readPart(reader, 'hash table', digestAt, digestBytes) : Promise.resolve(undefined),
    );
  };
}
