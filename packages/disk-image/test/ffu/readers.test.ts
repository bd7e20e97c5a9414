import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureFfu, type CaptureFfuOptions, decompressXpress, readGpt, openRaw } from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { encodeManifest } from '../../src/ffu/encode-manifest.ts';
import { planFfu } from '../../src/ffu/layout.ts';
import { seededRandom, tempFolder, tool } from '../temp.ts';
import { type DiskOptions, kib, makeDisk, mib, sampleBytes } from './disk.ts';
import { type Applied, ffu2img, img2Ffu, Refused, worFlasher } from './readers.ts';

const expand = (data: Uint8Array, blockBytes: number): Buffer => {
  const block = Buffer.alloc(blockBytes);
  decompressXpress(data, block);
  return block;
};

type Reader = (file: Buffer) => Applied;
const readers: Record<'ffu2img' | 'wor-flasher' | 'Img2Ffu', Reader> = {
  ffu2img,
  'wor-flasher': worFlasher,
  Img2Ffu: (file) => img2Ffu(file, expand),
};

/** The disk as a reader leaves it, on a target of zeros. */
function diskOf({ blocks, blockBytes, sizeBytes }: Applied): Buffer {
  const disk = Buffer.alloc(sizeBytes);
  for (const [place, bytes] of blocks) bytes.copy(disk, place * blockBytes);
  return disk;
}

function outcome(read: Reader, file: Buffer, disk: Buffer): string {
  try {
    return diskOf(read(file)).equals(disk) ? 'reads' : 'reads wrongly';
  } catch (error) {
    return error instanceof Refused ? `refuses: ${error.message}` : `fails: ${String(error)}`;
  }
}

async function captured(
  disk: DiskOptions,
  options: Partial<CaptureFfuOptions> = {},
): Promise<{ file: Buffer; disk: Buffer }> {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  const target = join(folder, 'disk.ffu');
  await makeDisk(source, disk);
  await captureFfu({ source, target, createdAt: new Date(0), workers: 0, ...options });
  return { file: await readFile(target), disk: await readFile(source) };
}

// What each reader makes of each kind of file that the writer makes.
test.each<[string, DiskOptions, Partial<CaptureFfuOptions>, Record<keyof typeof readers, string>]>([
  ['V1, 512-byte sectors', {}, {}, { ffu2img: 'reads', 'wor-flasher': 'reads', Img2Ffu: 'reads' }],
  [
    'V1, blocks of 4 KiB',
    {},
    { blockBytes: 4096 },
    { ffu2img: 'reads', 'wor-flasher': 'reads', Img2Ffu: 'reads' },
  ],
  [
    'V1, blocks of 1 MiB',
    {},
    { blockBytes: mib },
    { ffu2img: 'reads', 'wor-flasher': 'reads', Img2Ffu: 'reads' },
  ],
  [
    'V1, odd names of partitions',
    { partitions: ['', 'Süd', 'Süd', 'a = [b]', 'x'.repeat(36), '', 'Partition1'] },
    { description: 'line\r\n[Store]' },
    { ffu2img: 'reads', 'wor-flasher': 'reads', Img2Ffu: 'reads' },
  ],
  [
    'V1, 16 platform ids',
    {},
    { platformIds: Array.from({ length: 16 }, (_, index) => `Platform.${index}`) },
    { ffu2img: 'reads', 'wor-flasher': 'reads', Img2Ffu: 'reads' },
  ],
  [
    'V1, 4096-byte sectors',
    { sectorSize: 4096 },
    {},
    { ffu2img: 'reads', 'wor-flasher': 'refuses: sector size', Img2Ffu: 'reads' },
  ],
  [
    'V1, no partitions',
    { partitions: [] },
    {},
    { ffu2img: 'reads', 'wor-flasher': 'refuses: manifest sections', Img2Ffu: 'reads' },
  ],
  [
    'V1_COMPRESSED',
    {},
    { compress: true },
    { ffu2img: 'reads wrongly', 'wor-flasher': 'refuses: truncated or misaligned', Img2Ffu: 'reads' },
  ],
])('%s', async (_, diskOptions, options, expected) => {
  const { file, disk } = await captured(diskOptions, options);
  const found = Object.fromEntries(
    Object.entries(readers).map(([name, read]) => [name, outcome(read, file, disk)]),
  );
  // A file that is compressed is nonsense to a reader that does not know it: how it fails is all the same.
  if (options.compress === true) found['ffu2img'] = found['ffu2img'] === 'reads' ? 'reads' : 'reads wrongly';
  expect(found).toEqual(expected);
});

describe('the readers here do check', () => {
  test('a changed byte anywhere behind the front', async () => {
    const { file, disk } = await captured({});
    const random = seededRandom(4);
    for (let round = 0; round < 50; round += 1) {
      const changed = Buffer.from(file);
      const at = 128 * kib + random(file.length - 128 * kib);
      changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
      expect(outcome(worFlasher, changed, disk)).toMatch(/^(refuses|fails)/);
      expect(outcome(readers.Img2Ffu, changed, disk)).toMatch(/^(refuses|fails)/);
    }
  });

  test('a file without its security header', async () => {
    const { file, disk } = await captured({});
    file.fill(0, 0, 32);
    for (const read of Object.values(readers)) expect(outcome(read, file, disk)).toMatch(/^(refuses|fails)/);
  });
});

test('all three read disks of many sizes and contents', async () => {
  const random = seededRandom(77);
  for (let round = 0; round < 40; round += 1) {
    const blockBytes = [4, 8, 16, 128][random(4)] ?? 4;
    const sizeBytes = blockBytes * kib * (Math.ceil(1024 / blockBytes) + random(300));
    const data = Array.from({ length: random(12) }, (_, index) => {
      const at = 64 * kib + random(Math.max(1, sizeBytes - 300 * kib));
      const length = Math.min(1 + random(200 * kib), sizeBytes - 64 * kib - at);
      return { at, bytes: length < 1 ? Buffer.alloc(0) : sampleBytes(length, 'mixed', round * 100 + index) };
    });
    const { file, disk } = await captured(
      { sizeBytes, data },
      { blockBytes: blockBytes * kib, description: 'd'.repeat(1 + random(200)) },
    );
    for (const [name, read] of Object.entries(readers))
      expect(`${round} ${name} ${outcome(read, file, disk)}`).toBe(`${round} ${name} reads`);
  }
});

test('where the manifest would end exactly on a chunk boundary it is made longer', async () => {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  const target = join(folder, 'disk.ffu');
  await makeDisk(source, { sizeBytes: 2 * mib, data: [] });
  const reader = await openRaw(source);
  const gpt = await readGpt(reader);
  await reader.close();
  const settings = {
    gpt,
    platformIds: ['osforge'],
    osVersion: '10.0.0.0',
    devicePath: 'VenHw(B615F1F5-5088-43CD-809C-A16E52487D00)',
    blockBytes: 4096,
  };
  const length = encodeManifest({ ...settings, description: 'd' }, 24).length;
  const description = 'd'.repeat(1 + 4096 - 24 - length);
  expect(encodeManifest({ ...settings, description }, 24).length).toBe(4096 - 24 + 2);
  await captureFfu({ source, target, description, blockBytes: 4096 });
  const file = await readFile(target);
  const disk = await readFile(source);
  for (const [name, read] of Object.entries(readers))
    expect(`${name} ${outcome(read, file, disk)}`).toBe(`${name} reads`);
  // The same without filling is what ffu2img gets wrong.
  const exact = withoutFilling(file);
  expect(outcome(ffu2img, exact, disk)).not.toBe('reads');
});

/** The manifest two bytes shorter: it ends on the boundary, and nothing moves. */
function withoutFilling(file: Buffer): Buffer {
  const image = file.indexOf('ImageFlash  ') - 4;
  const bytes = Buffer.concat([file.subarray(0, image + 4096), file.subarray(image + 8192)]);
  bytes.writeUInt32LE(4096 - 24, image + 16);
  return bytes;
}

test('no section of a plan ends exactly on a chunk boundary, for any catalog and any number of blocks', () => {
  const random = seededRandom(5);
  let filled = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const blockBytes = 4096 << random(6);
    const catalogBytes = 300 + random(64);
    const storedBlocks = 1 + random(100_000);
    const plan = planFfu({ kind: 'v1', blockBytes, storedBlocks, manifestBytes: 900, catalogBytes });
    if (plan.catalogBytes !== catalogBytes) filled += 1;
    expect((plan.hashTableOffset + plan.hashTableBytes) % blockBytes).not.toBe(0);
    expect((plan.descriptorsOffset + 16 * storedBlocks) % blockBytes).not.toBe(0);
    expect(plan.payloadOffset % blockBytes).toBe(0);
    expect(plan.hashTableBytes / 32).toBe(
      (plan.payloadOffset - plan.imageHeaderOffset) / blockBytes + storedBlocks,
    );
  }
  expect(filled).toBeGreaterThan(0);
});

test('the catalog is as long as that of Img2Ffu, and openssl reads it with the digest of the hash table in it', async () => {
  const { file } = await captured({});
  const folder = await tempFolder();
  const catalog = join(folder, 'catalog.der');
  const length = file.readUInt32LE(24);
  await writeFile(catalog, file.subarray(32, 32 + length));
  expect(length).toBe(328);
  const sha1 = createHash('sha1')
    .update(file.subarray(32 + length, 32 + length + file.readUInt32LE(28)))
    .digest('hex');
  const parsed = await tool('openssl', 'asn1parse', '-inform', 'DER', '-in', catalog);
  expect(parsed).toContain(':1.3.6.1.4.1.311.10.1');
  expect(parsed.toLowerCase()).toContain(`[hex dump]:${sha1}`);
});
