import { createHash } from 'node:crypto';
import {
  type BlockReader,
  createXpressCompressor,
  isImageFormatError,
  readFfu,
  verifyFfu,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { seededRandom } from '../temp.ts';
import { buildFfu, type HandMadeEntry, type HandMadeFile, manifestOf } from './build-ffu.ts';
import { encodeCatalog } from '../../src/ffu/encode-catalog.ts';
import { kib, sampleBytes } from './disk.ts';
import { encodeHuffman, encodeLznt1 } from './encoders.ts';

/**
 * 100,000 files take 15 to 45 seconds, by how busy the machine is; the soak takes five times as many. Give it another
 * OSFORGE_FUZZ_SEED each time.
 */
const asked = Number(process.env['OSFORGE_FUZZ_ROUNDS'] ?? 100_000);
const rounds = process.env['OSFORGE_SOAK'] === '1' ? Math.max(asked, 500_000) : asked;
const seed = Number(process.env['OSFORGE_FUZZ_SEED'] ?? 1);

const size = 4 * kib;
/** No read of more than this for files that are all below 256 KiB: a length that was believed would be larger. */
const maxRead = 1024 * kib;
const maxTableBytes = 16 * kib * kib;
type Random = (below: number) => number;

function xpress(plain: Buffer): Buffer {
  const output = Buffer.alloc(2 * plain.length + 64);
  return output.subarray(0, createXpressCompressor().compress(plain, output));
}

function compressedStore(
  compressionId: number,
  encode: (plain: Buffer) => Buffer,
): HandMadeFile['stores'][number] {
  const entries = Array.from({ length: 6 }, (_, index): HandMadeEntry => {
    const plain = sampleBytes(size, index === 2 ? 'noise' : 'text', index);
    const data = encode(plain);
    return { locations: [[index === 5 ? 2 : 0, index]], data: data.length < size ? data : plain, plain };
  });
  return { blockBytes: size, compressionId, entries };
}

const catalog = encodeCatalog({
  hashTableSha1: Buffer.alloc(20),
  listId: Buffer.alloc(16),
  createdAt: new Date(0),
});
const plainEntries: readonly HandMadeEntry[] = [
  { locations: [[0, 1]], data: sampleBytes(size, 'text', 1) },
  {
    locations: [
      [0, 2],
      [0, 9],
      [2, 3],
    ],
    blockCount: 2,
    data: sampleBytes(2 * size, 'noise', 2),
  },
  { locations: [], data: sampleBytes(size, 'text', 3) },
  { locations: [[0, 2]], data: sampleBytes(size, 'text', 4) },
  { locations: [[2, 0]], data: sampleBytes(size, 'text', 5) },
  { locations: [[0, 0]], data: sampleBytes(size, 'mixed', 6) },
];
const manifest = manifestOf([{ sectorSize: 512, sectors: 160 }]);
const samples: Record<string, HandMadeFile> = {
  V1: {
    kind: 'v1',
    chunkBytes: size,
    manifest,
    catalog,
    stores: [{ blockBytes: size, entries: plainEntries }],
  },
  'V1 with device infos and validation': {
    kind: 'v1',
    chunkBytes: 2 * size,
    manifest,
    catalog,
    deviceInfos: [['a', 'b', 'c', 'd', 'e', 'f', 'g']],
    stores: [{ blockBytes: size, validation: Buffer.alloc(40, 1), entries: plainEntries }],
  },
  V2: {
    kind: 'v2',
    chunkBytes: size,
    manifest: manifestOf([
      { sectorSize: 512, sectors: 160 },
      { sectorSize: 4096, sectors: 20 },
    ]),
    catalog,
    stores: [
      { blockBytes: size, devicePath: 'VenHw(a)', entries: plainEntries },
      { blockBytes: size, devicePath: 'b', entries: plainEntries.slice(2) },
    ],
  },
  XPRESS: {
    kind: 'v1-compressed',
    chunkBytes: size,
    manifest,
    catalog,
    stores: [compressedStore(3, xpress)],
  },
  LZNT1: {
    kind: 'v1-compressed',
    chunkBytes: size,
    manifest,
    catalog,
    stores: [compressedStore(2, encodeLznt1)],
  },
  XPRESS_HUFF: {
    kind: 'v1-compressed',
    chunkBytes: size,
    manifest,
    catalog,
    stores: [compressedStore(4, encodeHuffman)],
  },
};

/** Reads of an array, none of them absurd. */
function watched(bytes: Buffer): BlockReader {
  return {
    sizeBytes: bytes.length,
    read(offset, length) {
      if (!(length <= maxRead) || offset < 0 || offset + length > bytes.length)
        return Promise.reject(new Error(`a read of ${length} bytes at ${offset} of ${bytes.length}`));
      return Promise.resolve(new Uint8Array(bytes.subarray(offset, offset + length)));
    },
    close: () => Promise.resolve(),
  };
}

interface Anatomy {
  readonly bytes: Buffer;
  /** Fields of 16 and 32 bits, each of which means something. */
  readonly fields: readonly number[];
  /** Everything in front of the payload that is not filling. */
  readonly regions: readonly { readonly start: number; readonly end: number }[];
  /** SHA-256 of each store's disk. */
  readonly disks: readonly string[];
}

async function anatomy(file: HandMadeFile): Promise<Anatomy> {
  const bytes = buildFfu(file);
  const { layout } = await readFfu(watched(bytes));
  const disks = await Promise.all(layout.stores.map((_, store) => diskDigest(bytes, store)));
  const fields = [0, 16, 20, 24, 28];
  const image = layout.imageHeaderOffset;
  fields.push(image, image + 16, image + 20);
  if (file.deviceInfos !== undefined) fields.push(image + 24);
  const regions = [
    { start: 0, end: layout.hashTableOffset + layout.hashTableBytes },
    { start: image, end: image + 28 + file.manifest.length + 40 },
    { start: layout.payloadOffset, end: bytes.length },
  ];
  for (const store of layout.stores) {
    for (const at of [
      0, 4, 6, 8, 10, 204, 208, 212, 216, 220, 224, 228, 232, 236, 240, 244, 248, 250, 252, 256, 260,
    ])
      fields.push(store.offsetBytes + at);
    for (let at = 0; at < store.descriptorsBytes; at += 4) fields.push(store.descriptorsOffset + at);
    regions.push({ start: store.offsetBytes, end: store.descriptorsOffset + store.descriptorsBytes });
  }
  return { bytes, fields, regions, disks };
}

const interesting = [
  0, 1, 2, 3, 7, 16, 31, 32, 33, 255, 512, 4095, 4096, 4097, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0,
  0xffff_ffff,
];

function mutate({ bytes, fields, regions }: Anatomy, random: Random): Buffer {
  let copy = Buffer.from(bytes);
  for (let change = 1 + random(3); change > 0; change -= 1) {
    const kind = random(10);
    const field = fields[random(fields.length)] ?? 0;
    const region = regions[random(regions.length)] ?? { start: 0, end: copy.length };
    const at = Math.min(region.start + random(region.end - region.start), copy.length - 1);
    if (field + 4 > copy.length || at < 0) continue;
    if (kind < 3) copy.writeUInt32LE(interesting[random(interesting.length)] ?? 0, field);
    else if (kind === 3) copy.writeUInt32LE((copy.readUInt32LE(field) + random(9) - 4) >>> 0, field);
    else if (kind === 4) copy.writeUInt16LE(interesting[random(15)] ?? 0, field);
    else if (kind === 5) copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    else if (kind === 6) copy[at] = random(256);
    else if (kind === 7)
      copy.copyWithin(
        at,
        region.start + random(region.end - region.start),
        Math.min(region.end, at + random(64)),
      );
    else if (kind === 8) {
      // Descriptors in another order, or twice.
      const other = fields[random(fields.length)] ?? 0;
      if (other + 16 <= copy.length && field + 16 <= copy.length) copy.copyWithin(field, other, other + 16);
    } else if (random(3) === 0) copy = copy.subarray(0, random(copy.length));
    else if (random(2) === 0) copy = Buffer.concat([copy, Buffer.alloc(random(2 * size), random(256))]);
    else copy.fill(random(256), at, Math.min(copy.length, at + random(200)));
    if (copy.length < 33) break;
  }
  return copy;
}

/** Makes the hash table and the digest in the catalog true again as far as possible, so that a mutation gets deep. */
async function fixUp(bytes: Buffer): Promise<void> {
  const image = await readFfu(watched(bytes), { maxTableBytes }).catch(() => undefined);
  if (image === undefined) return;
  const { layout, store } = image;
  const end = store.kind === 'v1-compressed' ? layout.payloadOffset : bytes.length;
  for (let index = 0; index < layout.hashTableBytes / 32; index += 1) {
    const from = layout.imageHeaderOffset + index * layout.chunkBytes;
    if (from >= end) break;
    const chunk = Buffer.alloc(layout.chunkBytes);
    bytes.copy(chunk, 0, from, Math.min(end, from + layout.chunkBytes));
    createHash('sha256')
      .update(chunk)
      .digest()
      .copy(bytes, layout.hashTableOffset + 32 * index);
  }
  const table = bytes.subarray(layout.hashTableOffset, layout.hashTableOffset + layout.hashTableBytes);
  const sha1 = createHash('sha1').update(table).digest();
  if (layout.catalogBytes >= 28) sha1.copy(bytes, 32 + layout.catalogBytes - 22);
}

/** The digest of what is on the disk; bounded, as a mutated disk may be of any size. */
async function diskDigest(bytes: Buffer, store: number): Promise<string> {
  const image = await readFfu(watched(bytes), { store, maxTableBytes });
  const hash = createHash('sha256').update(String(image.sizeBytes));
  for (const { startBytes, lengthBytes } of image.runs()) {
    let part = 0;
    for (; part < Math.min(lengthBytes, 64 * size); part += size) {
      const data = await image.read(startBytes + part, Math.min(size, lengthBytes - part));
      hash.update(`${startBytes + part} `).update(data);
    }
  }
  await image.extents();
  return hash.digest('hex');
}

test.each(Object.entries(samples))(
  'mutated files (%s) give a disk or a typed error',
  async (name, file) => {
    const original = await anatomy(file);
    const random = seededRandom(seed * 1000 + name.length);
    const count = Math.ceil(rounds / Object.keys(samples).length);
    const seen = { refused: 0, damaged: 0, opened: 0, sound: 0 };
    for (let round = 0; round < count; round += 1) {
      const bytes = mutate(original, random);
      const fixed = random(2) === 0;
      if (fixed) await fixUp(bytes);
      const place = `round ${round} of seed ${seed}, ${name}`;
      try {
        const report = await verifyFfu(watched(bytes), { maxTableBytes });
        seen.opened += 1;
        if (!report.ok) seen.damaged += 1;
        for (let store = 0; store < original.disks.length; store += 1) {
          const digest = await diskDigest(bytes, store);
          // Whatever was changed, and not covered up: a file that verifies holds the disk that it held.
          if (report.ok && !fixed) expect(digest, place).toBe(original.disks[store]);
        }
        if (report.ok) seen.sound += 1;
      } catch (error) {
        seen.refused += 1;
        if (!isImageFormatError(error)) throw new Error(place, { cause: error });
      }
    }
    // The mutations get past the headers, and are seen.
    expect(seen.refused).toBeGreaterThan(count / 20);
    expect(seen.damaged).toBeGreaterThan(count / 50);
    expect(seen.opened).toBeGreaterThan(count / 20);
    // With their digests made true again some are other disks, not damage.
    expect(seen.sound).toBeGreaterThan(count / 50);
  },
  3_600_000,
);
