import type { BlockReader } from '../block/reader.ts';
import { FfuFormatError, FfuUnsupportedError } from '../errors.ts';
import { diskAccess } from './layout.ts';
import { checkTableBytes } from './read-part.ts';
import type { StoreHeader } from './read-store-header.ts';
import { walkDescriptors } from './walk-descriptors.ts';

/** What the write descriptors of a store amount to. */
export interface StoreMeasure {
  readonly payloadBlocks: number;
  /** Compressed files: all data together. */
  readonly dataBytes: number;
  /** Disk blocks that are written, counting those twice that are written twice. */
  readonly mapEntries: number;
  /** The block behind the last one, as far as blocks are counted from the start. */
  readonly blocksEnd: number;
}

export interface MeasureOptions {
  readonly maxTableBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of the block map for a store: one entry a written block, and an offset each where data is compressed. */
function mapBytes(kind: StoreHeader['kind'], mapEntries: number, descriptorCount: number): number {
  return 8 * mapEntries + (kind === 'v1-compressed' ? 8 * (descriptorCount + 1) : 0);
}

/**
 * Walks the descriptors once, checks each, and finds how much there is, before anything is allocated for it.
 * @throws FfuFormatError, FfuUnsupportedError, FfuLimitError
 */
export async function measureStore(
  reader: BlockReader,
  header: StoreHeader,
  diskSizeBytes: number | undefined,
  { maxTableBytes, signal }: MeasureOptions,
): Promise<StoreMeasure> {
  const { kind, blockBytes } = header;
  const compressed = kind === 'v1-compressed';
  const maxPayloadBlocks = Math.floor(reader.sizeBytes / blockBytes);
  const diskBlocks = diskSizeBytes === undefined ? 2 ** 32 : Math.ceil(diskSizeBytes / blockBytes);
  let payloadBlocks = 0;
  let dataBytes = 0;
  let mapEntries = 0;
  let blocksEnd = 0;
  let count = 0;
  checkTableBytes(mapBytes(kind, 0, header.descriptorCount), maxTableBytes);
  await walkDescriptors(
    reader,
    {
      offsetBytes: header.descriptorsOffset,
      lengthBytes: header.descriptorsBytes,
      count: header.descriptorCount,
      withDataBytes: compressed,
    },
    {
      descriptor(ordinal, locationCount, blockCount, data, at) {
        count = blockCount;
        payloadBlocks += blockCount;
        dataBytes += data;
        if (compressed) {
          if (blockCount !== 1)
            throw new FfuUnsupportedError(`${blockCount} compressed blocks in one descriptor`);
          if (data > 2 * blockBytes || dataBytes > reader.sizeBytes)
            throw new FfuFormatError(
              'write descriptors',
              at,
              `descriptor ${ordinal} has ${data} bytes of data for a block of ${blockBytes}`,
            );
        } else if (payloadBlocks > maxPayloadBlocks) {
          throw new FfuFormatError(
            'write descriptors',
            at,
            `descriptor ${ordinal} needs ${blockCount} blocks of payload, which the file does not hold`,
          );
        }
        mapEntries += locationCount * blockCount;
        checkTableBytes(mapBytes(kind, mapEntries, header.descriptorCount), maxTableBytes);
      },
      location(method, index, at) {
        const first = firstBlock(method, index, diskSizeBytes, blockBytes);
        if (first < 0 || first + count > diskBlocks)
          throw new FfuFormatError(
            'write descriptors',
            at,
            `${count} blocks at ${method === diskAccess.end ? 'the end less ' : ''}${index} lie outside the disk of ${diskSizeBytes ?? 'unknown'} bytes`,
          );
        if (first + count > blocksEnd) blocksEnd = first + count;
      },
    },
    signal,
  );
  return { payloadBlocks, dataBytes, mapEntries, blocksEnd };
}

/** The disk block at which a location begins; negative where it lies before the disk. */
export function firstBlock(
  method: number,
  index: number,
  diskSizeBytes: number | undefined,
  blockBytes: number,
): number {
  if (method === diskAccess.begin) return index;
  if (method !== diskAccess.end) throw new FfuUnsupportedError(`disk access method ${method}`);
  if (diskSizeBytes === undefined)
    throw new FfuUnsupportedError('places counted from the end of a disk without a known size');
  if (diskSizeBytes % blockBytes !== 0)
    throw new FfuUnsupportedError(
      `places counted from the end of a disk of ${diskSizeBytes} bytes, which is not a multiple of the block`,
    );
  return diskSizeBytes / blockBytes - 1 - index;
}
