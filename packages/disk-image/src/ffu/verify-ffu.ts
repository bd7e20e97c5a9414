import { createHash } from 'node:crypto';
import type { BlockReader } from '../block/reader.ts';
import { openRaw } from '../block/reader.ts';
import { FfuFormatError } from '../errors.ts';
import { readPieces } from './read-pieces.ts';
import { digestBytes } from './layout.ts';
import { blockDigestIndex, type BlockMemory, blockMemory, loadBlock, sha256 } from './load-block.ts';
import { type FfuImage, type OpenFfuOptions, readFfu } from './open-ffu.ts';
import { type CatalogReading, readCatalog } from './read-catalog.ts';
import { readPart } from './read-part.ts';

export interface VerifyFfuOptions extends Omit<OpenFfuOptions, 'store'> {
  /** Bytes of the file, at most some hundred times a second. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** A chunk, or block of a compressed file, that is not what its digest says. */
export interface FfuDamage {
  readonly digestIndex: number;
  /** Of the file. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Undefined where only the digest differs. */
  readonly reason: string | undefined;
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

const maxDamage = 1000;
const maxCatalogBytes = 1024 * 1024;
const pieceBytes = 1024 * 1024;
/** Of compressed blocks and what they expand to. */
const aheadBytes = 4 * 1024 * 1024;

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
    const { onProgress, signal, ...open } = options;
    const image = await readFfu(reader, { ...open, ...(signal === undefined ? {} : { signal }) });
    const damage = collectDamage();
    const table = digestTable(reader, image);
    const catalog = await checkCatalog(reader, image, signal);
    const digests = image.layout.hashTableBytes / digestBytes;
    const progress = (done: number): void => onProgress?.(done, image.layout.fileBytes);
    if (image.store.kind === 'v1-compressed')
      await checkCompressed(reader, image, table, damage, progress, signal);
    else await checkChunks(reader, image, image.layout.fileBytes, table, damage, progress, signal);
    return {
      ok: damage.count() === 0 && digests === image.layout.expectedDigests && catalog.status !== 'differs',
      digests,
      expectedDigests: image.layout.expectedDigests,
      damage: damage.list,
      damageCount: damage.count(),
      catalog,
    };
  } finally {
    if (typeof source === 'string') await reader.close();
  }
}

interface Damage {
  readonly list: FfuDamage[];
  add(found: FfuDamage): void;
  count(): number;
}

function collectDamage(): Damage {
  const list: FfuDamage[] = [];
  let count = 0;
  return {
    list,
    add(found) {
      count += 1;
      if (list.length < maxDamage) list.push(found);
    },
    count: () => count,
  };
}

type DigestTable = (index: number) => Promise<Buffer | undefined>;

/** The digests one after the other, through a window; undefined behind the end. */
function digestTable(reader: BlockReader, { layout }: FfuImage): DigestTable {
  const windowDigests = 2048;
  const total = layout.hashTableBytes / digestBytes;
  let first = 0;
  let window: Buffer = Buffer.alloc(0);
  return async (index) => {
    if (index >= total) return undefined;
    if (index < first || index >= first + window.length / digestBytes) {
      first = index;
      const length = digestBytes * Math.min(windowDigests, total - index);
      window = await readPart(reader, 'hash table', layout.hashTableOffset + digestBytes * index, length);
    }
    const at = digestBytes * (index - first);
    return window.subarray(at, at + digestBytes);
  };
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
  for await (const { bytes } of readPieces(reader, hashTableOffset, hashTableBytes, pieceBytes, signal))
    hash.update(bytes);
  return { signed, status: hash.digest().equals(digest.value) ? 'matches' : 'differs', problem };
}

/** Chunk by chunk from the image header to `end`. */
async function checkChunks(
  reader: BlockReader,
  { layout }: FfuImage,
  end: number,
  table: DigestTable,
  damage: Damage,
  progress: (done: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { chunkBytes, imageHeaderOffset } = layout;
  let index = 0;
  const length = end - imageHeaderOffset;
  const step = Math.max(chunkBytes, pieceBytes);
  for await (const { at, bytes } of readPieces(reader, imageHeaderOffset, length, step, signal)) {
    for (let from = 0; from < bytes.length; from += chunkBytes, index += 1) {
      let chunk = bytes.subarray(from, from + chunkBytes);
      const lengthBytes = chunk.length;
      if (lengthBytes < chunkBytes) {
        // A short last chunk counts as filled up with zeros.
        const filled = new Uint8Array(chunkBytes);
        filled.set(chunk);
        chunk = filled;
      }
      const expected = await table(index);
      if (expected === undefined || !sha256(chunk).equals(expected))
        damage.add({ digestIndex: index, offsetBytes: at + from, lengthBytes, reason: missing(expected) });
    }
    progress(at + bytes.length);
  }
}

/** The headers by chunks, then the blocks, expanded. */
async function checkCompressed(
  reader: BlockReader,
  image: FfuImage,
  table: DigestTable,
  damage: Damage,
  progress: (done: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { layout, store, map } = image;
  await checkChunks(reader, image, store.payloadOffset, table, damage, progress, signal);
  const from = { reader, layout, store, map };
  /** Blocks that are read while one is expanded; each has up to twice its length in data. */
  const ahead: Promise<Uint8Array>[] = [];
  const most = Math.min(4, Math.max(1, Math.floor(aheadBytes / (3 * store.blockBytes))));
  const memories: BlockMemory[] = Array.from({ length: most }, () => blockMemory(store.blockBytes));
  const load = (descriptor: number): void => {
    if (descriptor >= store.descriptorCount) return;
    // That of the block before these, which is done with.
    const block = loadBlock(from, descriptor, memories[descriptor % most]);
    // Handled when its turn comes.
    block.catch(() => undefined);
    ahead.push(block);
  };
  try {
    for (let descriptor = 0; descriptor < most; descriptor += 1) load(descriptor);
    for (let descriptor = 0; descriptor < store.descriptorCount; descriptor += 1) {
      signal?.throwIfAborted();
      const digestIndex = blockDigestIndex(from, descriptor);
      const offsetBytes = map.dataOffsets?.[descriptor] ?? 0;
      const end = map.dataOffsets?.[descriptor + 1] ?? 0;
      const place = { digestIndex, offsetBytes, lengthBytes: end - offsetBytes };
      const expected = await table(digestIndex);
      try {
        const block = await ahead.shift();
        if (block === undefined || expected === undefined || !sha256(block).equals(expected))
          damage.add({ ...place, reason: missing(expected) });
      } catch (error) {
        if (!(error instanceof FfuFormatError)) throw error;
        damage.add({ ...place, reason: error.reason });
      }
      load(descriptor + most);
      progress(end);
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

function missing(expected: Buffer | undefined): string | undefined {
  return expected === undefined ? 'there is no digest for it' : undefined;
}
