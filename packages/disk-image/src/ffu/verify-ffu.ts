import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { BlockReader } from '../block/reader.ts';
import { openRaw } from '../block/reader.ts';
import { createCheckPool } from './check-pool.ts';
import type { FfuDamage, Stretch } from './check-stretch.ts';
import { digestBytes } from './layout.ts';
import { type FfuImage, type OpenFfuOptions, readFfu } from './open-ffu.ts';
import { firstBlockDigest } from './packed-blocks.ts';
import { type CatalogReading, readCatalog } from './read-catalog.ts';
import { readPart } from './read-part.ts';
import { readPieces } from './read-pieces.ts';

export interface VerifyFfuOptions extends Omit<OpenFfuOptions, 'store'> {
  /** Bytes of the file, at most some hundred times a second. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /**
   * Threads that read, expand and hash; 0: none. Default: as many as there are processors, at most 2, for files of 32 MiB
   * and more. A source that is no path or reader of `openRaw` is always read in this thread.
   */
  readonly workers?: number;
}

export interface FfuVerifyReport {
  /** No damage, the right number of digests, and no catalog that says otherwise. An unsigned file is ok. */
  readonly ok: boolean;
  readonly digests: number;
  readonly expectedDigests: number;
  /** The first 1000. */
  readonly damage: readonly FfuDamage[];
  readonly damageCount: number;
  readonly catalog: {
    readonly signed: boolean;
    /** Signatures themselves are not checked. */
    readonly status: 'matches' | 'differs' | 'unreadable';
    readonly problem: string | undefined;
  };
}

/** Of the file, or of the disk in a compressed one: what a thread is given at a time. */
const stretchBytes = 4 * 1024 * 1024;
/** Smaller files are done before a thread has started. */
const minBytesForThreads = 32 * 1024 * 1024;
const maxWorkers = 2;
const maxDamage = 1000;
const maxCatalogBytes = 1024 * 1024;
const pieceBytes = 1024 * 1024;

/**
 * Reads the whole file once, and compares it with its hash table and that with the catalog.
 * @throws FfuFormatError, FfuUnsupportedError, FfuLimitError where the file cannot even be opened
 */
export async function verifyFfu(
  source: string | BlockReader,
  options: VerifyFfuOptions = {},
): Promise<FfuVerifyReport> {
  const reader = typeof source === 'string' ? await openRaw(source) : source;
  try {
    const { onProgress, signal, workers, ...open } = options;
    const image = await readFfu(reader, { ...open, ...(signal === undefined ? {} : { signal }) });
    const { layout } = image;
    const catalog = await checkCatalog(reader, image, signal);
    const digests = layout.hashTableBytes / digestBytes;
    const threads = layout.fileBytes < minBytesForThreads ? 0 : Math.min(maxWorkers, availableParallelism());
    const { list, count } = await checkAll(reader, image, {
      workers: workers ?? threads,
      onProgress,
      signal,
    });
    return {
      ok: count === 0 && digests === layout.expectedDigests && catalog.status !== 'differs',
      digests,
      expectedDigests: layout.expectedDigests,
      damage: list,
      damageCount: count,
      catalog,
    };
  } finally {
    if (typeof source === 'string') await reader.close();
  }
}

interface CheckOptions {
  readonly workers: number;
  readonly onProgress: VerifyFfuOptions['onProgress'];
  readonly signal: AbortSignal | undefined;
}

/** Several stretches at a time; what is found is in the order of the file all the same. */
async function checkAll(
  reader: BlockReader,
  image: FfuImage,
  { workers, onProgress, signal }: CheckOptions,
): Promise<{ list: FfuDamage[]; count: number }> {
  const list: FfuDamage[] = [];
  let count = 0;
  const pool = createCheckPool(reader, workers, { signal });
  const underWay: { damage: Promise<FfuDamage[]>; end: number }[] = [];
  const finishOne = async (): Promise<void> => {
    const first = underWay.shift();
    if (first === undefined) return;
    const damage = await first.damage;
    count += damage.length;
    list.push(...damage.slice(0, maxDamage - list.length));
    onProgress?.(first.end, image.layout.fileBytes);
  };
  try {
    for await (const stretch of stretches(reader, image)) {
      signal?.throwIfAborted();
      while (underWay.length >= Math.max(1, 2 * workers)) await finishOne();
      const damage = pool.check(stretch);
      // Handled when its turn comes.
      damage.catch(() => undefined);
      underWay.push({ damage, end: endOf(stretch) });
    }
    while (underWay.length > 0) {
      await finishOne();
      signal?.throwIfAborted();
    }
    return { list, count };
  } finally {
    // Before the file is closed: no read may be under way then.
    await pool.close();
    await Promise.allSettled(underWay.map(({ damage }) => damage));
  }
}

function endOf(stretch: Stretch): number {
  return stretch.kind === 'chunks'
    ? stretch.offsetBytes + stretch.lengthBytes
    : (stretch.dataOffsets.at(-1) ?? 0);
}

/** The file from the image header on, in order: chunks, and in a compressed file the blocks after the headers' chunks. */
async function* stretches(reader: BlockReader, { layout, store, map }: FfuImage): AsyncGenerator<Stretch> {
  const { chunkBytes, imageHeaderOffset } = layout;
  const packed = store.kind === 'v1-compressed';
  const end = packed ? store.payloadOffset : layout.fileBytes;
  for (let offsetBytes = imageHeaderOffset; offsetBytes < end; offsetBytes += stretchBytes) {
    const lengthBytes = Math.min(stretchBytes, end - offsetBytes);
    const firstDigest = (offsetBytes - imageHeaderOffset) / chunkBytes;
    const digests = await readDigests(reader, layout, firstDigest, Math.ceil(lengthBytes / chunkBytes));
    yield { kind: 'chunks', offsetBytes, lengthBytes, chunkBytes, firstDigest, digests };
  }
  if (!packed || map.dataOffsets === undefined) return;
  const { blockBytes, compressionId } = store;
  const blocks = Math.max(1, Math.floor(stretchBytes / blockBytes));
  for (let firstBlock = 0; firstBlock < store.descriptorCount; firstBlock += blocks) {
    const dataOffsets = map.dataOffsets.slice(firstBlock, firstBlock + blocks + 1);
    const firstDigest = firstBlockDigest(layout, store) + firstBlock;
    const digests = await readDigests(reader, layout, firstDigest, dataOffsets.length - 1);
    yield { kind: 'blocks', firstBlock, dataOffsets, compressionId, blockBytes, firstDigest, digests };
  }
}

/** As many as there are of them. */
async function readDigests(
  reader: BlockReader,
  { hashTableOffset, hashTableBytes }: FfuImage['layout'],
  first: number,
  wanted: number,
): Promise<Uint8Array> {
  const count = Math.max(0, Math.min(wanted, hashTableBytes / digestBytes - first));
  return readPart(reader, 'hash table', hashTableOffset + digestBytes * first, digestBytes * count);
}

async function checkCatalog(
  reader: BlockReader,
  { layout }: FfuImage,
  signal: AbortSignal | undefined,
): Promise<FfuVerifyReport['catalog']> {
  const reading: CatalogReading =
    layout.catalogBytes > maxCatalogBytes
      ? { signed: false, problem: `a catalog of ${layout.catalogBytes} bytes` }
      : readCatalog(await readPart(reader, 'catalog', layout.catalogOffset, layout.catalogBytes));
  const { signed, digest, problem } = reading;
  if (digest === undefined) return { signed, status: 'unreadable', problem };
  const hash = createHash(digest.algorithm);
  const { hashTableOffset, hashTableBytes } = layout;
  for await (const { bytes } of readPieces(reader, hashTableOffset, hashTableBytes, pieceBytes, { signal }))
    hash.update(bytes);
  return { signed, status: hash.digest().equals(digest.value) ? 'matches' : 'differs', problem };
}
