import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  convertAny,
  createXpressCompressor,
  diffImages,
  FfuFormatError,
  FfuLimitError,
  type FfuPart,
  FfuUnsupportedError,
  ImageBoundsError,
  inspectImage,
  memoryReader,
  openFfu,
  readFfu,
  verifyFfu,
  verifyImage,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { tempFolder } from '../temp.ts';
import { buildFfu, type HandMadeEntry, type HandMadeFile, manifestOf } from './build-ffu.ts';
import { kib, sampleBytes } from './disk.ts';
import { encodeHuffman, encodeLznt1 } from './encoders.ts';

const size = 4 * kib;
const blockOf = (letter: string): Buffer => Buffer.alloc(size, letter);
const diskBlocks = 16;

function file(entries: readonly HandMadeEntry[], more: Partial<HandMadeFile> = {}): HandMadeFile {
  return {
    kind: 'v1',
    chunkBytes: size,
    manifest: manifestOf([{ sectorSize: 512, sectors: (diskBlocks * size) / 512 }]),
    stores: [{ blockBytes: size, entries }],
    ...more,
  };
}

/** The first letter of each block of a disk, `.` for zeros. */
async function letters(bytes: Uint8Array, store = 0): Promise<string> {
  const image = await readFfu(memoryReader(bytes), { store });
  const disk = await image.read(0, image.sizeBytes);
  let text = '';
  for (let at = 0; at < disk.length; at += image.store.blockBytes) {
    const part = disk.subarray(at, at + image.store.blockBytes);
    expect(part.every((byte) => byte === part[0])).toBe(true);
    text += part[0] === 0 ? '.' : String.fromCharCode(part[0] ?? 0);
  }
  return text;
}

describe('what descriptors mean', () => {
  test('places from the start and from the end, several places, several blocks, nowhere', async () => {
    const bytes = buildFfu(
      file([
        { locations: [[0, 1]], data: blockOf('a') },
        { locations: [[2, 0]], data: blockOf('z') },
        { locations: [[2, 3]], blockCount: 2, data: Buffer.concat([blockOf('x'), blockOf('y')]) },
        {
          locations: [
            [0, 3],
            [0, 5],
            [2, 5],
          ],
          data: blockOf('m'),
        },
        { locations: [], data: blockOf('!') },
        { locations: [[0, 7]], blockCount: 3, data: Buffer.concat(['p', 'q', 'r'].map(blockOf)) },
      ]),
    );
    expect(await letters(bytes)).toBe('.a.m.m.pqrm.xy.z');
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({ ok: true });
  });

  test('the last write wins, whatever the order', async () => {
    const bytes = buildFfu(
      file([
        { locations: [[0, 5]], blockCount: 3, data: Buffer.concat(['1', '2', '3'].map(blockOf)) },
        { locations: [[0, 2]], data: blockOf('a') },
        { locations: [[0, 6]], data: blockOf('b') },
        { locations: [[0, 2]], data: blockOf('c') },
      ]),
    );
    expect(await letters(bytes)).toBe('..c..1b3........');
  });

  test('a disk that is not a multiple of the block ends inside the last one', async () => {
    const bytes = buildFfu(
      file([{ locations: [[0, 2]], data: blockOf('a') }], {
        manifest: manifestOf([{ sectorSize: 512, sectors: 17 }]),
      }),
    );
    const image = await readFfu(memoryReader(bytes));
    expect(image.sizeBytes).toBe(17 * 512);
    expect(Buffer.from(await image.read(8192, 512)).toString()).toBe('a'.repeat(512));
    expect(await image.extents()).toEqual([
      { startBytes: 0, lengthBytes: 8192, data: false, zero: true },
      { startBytes: 8192, lengthBytes: 512, data: true, zero: false },
    ]);
    await expect(image.read(8192, 513)).rejects.toThrow(ImageBoundsError);
  });

  test('without a manifest the disk is as long as its blocks', async () => {
    const entries = [{ locations: [[0, 2]] as const, data: blockOf('a') }];
    expect(await letters(buildFfu(file(entries, { manifest: '' })))).toBe('..a');
  });

  test('reads across blocks, holes and ends', async () => {
    const a = sampleBytes(3 * size, 'noise', 1);
    const bytes = buildFfu(
      file([
        { locations: [[0, 1]], blockCount: 3, data: a },
        { locations: [[0, 6]], data: blockOf('k') },
      ]),
    );
    const disk = Buffer.alloc(diskBlocks * size);
    a.copy(disk, size);
    disk.fill('k', 6 * size, 7 * size);
    const image = await readFfu(memoryReader(bytes));
    for (const [offset, length] of [
      [0, disk.length],
      [size - 1, 2],
      [2 * size - 7, size + 20],
      [3 * size + 9, 4 * size],
      [disk.length - 1, 1],
      [100, 0],
    ] as const)
      expect(Buffer.from(await image.read(offset, length))).toEqual(disk.subarray(offset, offset + length));
  });
});

describe('kinds of files', () => {
  test('V2: two stores, of 512- and of 4096-byte sectors', async () => {
    const bytes = buildFfu({
      kind: 'v2',
      chunkBytes: size,
      manifest: manifestOf([
        { sectorSize: 512, sectors: 32 },
        { sectorSize: 4096, sectors: 3 },
      ]),
      stores: [
        {
          blockBytes: size,
          devicePath: 'VenHw(one)',
          entries: [{ locations: [[0, 1]], data: blockOf('a') }],
        },
        {
          blockBytes: size,
          devicePath: 'VenHw(second)',
          entries: [
            { locations: [[0, 0]], data: blockOf('b') },
            { locations: [[2, 0]], data: blockOf('c') },
          ],
        },
      ],
    });
    expect(await letters(bytes)).toBe('.a..');
    expect(await letters(bytes, 1)).toBe('b.c');
    const { layout } = await readFfu(memoryReader(bytes));
    expect(layout.kind).toBe('v2');
    expect(layout.stores.map(({ sectorSize, devicePath }) => [sectorSize, devicePath])).toEqual([
      [512, 'VenHw(one)'],
      [4096, 'VenHw(second)'],
    ]);
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({ ok: true });
    await expect(letters(bytes, 2)).rejects.toThrow('there is no store 2');
  });

  test.each([
    ['stored', 0, (plain: Buffer) => plain],
    ['default', 1, xpress],
    ['LZNT1', 2, encodeLznt1],
    ['XPRESS', 3, xpress],
    ['XPRESS_HUFF', 4, encodeHuffman],
  ])('V1_COMPRESSED, %s', async (_, compressionId, encode) => {
    const plain = [1, 2, 3].map((seed) => sampleBytes(size, seed === 2 ? 'noise' : 'text', seed));
    const entries = plain.map((bytes, index): HandMadeEntry => {
      const data = encode(bytes);
      // What does not shrink is stored.
      return { locations: [[0, 2 * index + 1]], data: data.length < size ? data : bytes, plain: bytes };
    });
    const bytes = buildFfu(
      file([], { kind: 'v1-compressed', stores: [{ blockBytes: size, compressionId, entries }] }),
    );
    const image = await readFfu(memoryReader(bytes));
    const expected = Buffer.alloc(diskBlocks * size);
    plain.forEach((content, index) => content.copy(expected, (2 * index + 1) * size));
    expect(Buffer.from(await image.read(0, image.sizeBytes)).equals(expected)).toBe(true);
    expect(Buffer.from(await image.read(size + 5, 3 * size))).toEqual(
      expected.subarray(size + 5, 4 * size + 5),
    );
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({ ok: true, damageCount: 0 });
  });

  test('data as long as its block is what the digest says', async () => {
    // XPRESS in exactly 4096 bytes: 4 of flags for each 32 literals and one run at the end.
    const plain = Buffer.concat([sampleBytes(3600, 'noise', 8), Buffer.alloc(496)]);
    const packed = Buffer.alloc(2 * size);
    const length = createXpressCompressor().compress(plain, packed);
    expect(length).toBeLessThan(size);
    const data = packed.subarray(0, size); // what follows the end is not read
    const entry = { locations: [[0, 0]] as const, data };
    for (const content of [plain, data]) {
      const bytes = buildFfu(
        file([], {
          kind: 'v1-compressed',
          stores: [{ blockBytes: size, entries: [{ ...entry, plain: content }] }],
        }),
      );
      const image = await readFfu(memoryReader(bytes));
      expect(Buffer.from(await image.read(0, size)).equals(content)).toBe(true);
      expect(await verifyFfu(memoryReader(bytes))).toMatchObject({ ok: true });
    }
  });

  test('device target infos, validation descriptors and a longer image header are stepped over', async () => {
    const bytes = buildFfu(
      file([], {
        deviceInfos: [
          ['Maker', 'Family', 'Name', '1', 'sku', 'board', 'product'],
          ['', '', '', '', '', '', 'x'],
        ],
        stores: [
          {
            blockBytes: size,
            validation: Buffer.alloc(33, 7),
            entries: [{ locations: [[0, 3]], data: blockOf('v') }],
          },
        ],
      }),
    );
    expect(await letters(bytes)).toBe('...v............');
  });

  test('blocks that are larger than chunks', async () => {
    const data = sampleBytes(4 * size, 'text', 3);
    const bytes = buildFfu(
      file([], { stores: [{ blockBytes: 4 * size, entries: [{ locations: [[2, 1]], data }] }] }),
    );
    const image = await readFfu(memoryReader(bytes));
    expect(Buffer.from(await image.read(8 * size, 4 * size)).equals(data)).toBe(true);
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({ ok: true });
  });
});

function xpress(plain: Buffer): Buffer {
  const output = Buffer.alloc(2 * plain.length + 32);
  return output.subarray(0, createXpressCompressor().compress(plain, output));
}

describe('files that are refused, with the place', () => {
  const good = file([
    { locations: [[0, 1]], data: blockOf('a') },
    { locations: [[0, 2]], data: blockOf('b') },
  ]);
  const A = size;
  const B = 2 * size;
  const descriptors = B + 248;
  const payload = 3 * size;
  const change =
    (at: number, ...values: number[]) =>
    (bytes: Buffer): Buffer => {
      values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, at + 4 * index));
      return bytes;
    };

  test.each<[string, (bytes: Buffer) => Buffer, FfuPart, number]>([
    ['nothing', () => Buffer.alloc(0), 'security header', 0],
    ['zeros', () => Buffer.alloc(5 * size), 'security header', 0],
    ['a header size', change(0, 33), 'security header', 0],
    ['a chunk of 3 KiB', change(16, 3), 'security header', 16],
    ['a chunk of 0', change(16, 0), 'security header', 16],
    ['a chunk of 2 MiB', change(16, 2048), 'security header', 16],
    ['a catalog of 4 GiB', change(24, -1), 'security header', 24],
    ['a hash table of 4 GiB', change(28, -32), 'security header', 24],
    ['half a digest', change(28, 33), 'security header', 28],
    ['no image header', change(A + 4, 0), 'image header', A],
    ['another chunk there', change(A + 20, 8), 'image header', A + 20],
    ['a manifest of 4 GiB', change(A + 16, -1), 'image header', A + 16],
    ['a block of 0', change(B + 204, 0), 'store header', B + 204],
    ['a block of 4 GiB', change(B + 204, -512), 'store header', B + 204],
    ['a block of 1000', change(B + 204, 1000), 'store header', B + 204],
    ['more descriptors than fit', change(B + 208, 100), 'store header', B + 208],
    ['descriptors of 4 GiB', change(B + 212, -1), 'store header', B + 212],
    ['validation of 4 GiB', change(B + 220, -1), 'store header', B + 212],
    ['one descriptor less', change(B + 208, 1), 'write descriptors', descriptors + 16],
    ['one more', change(B + 208, 3), 'write descriptors', descriptors + 32],
    ['a longer table', change(B + 212, 40), 'write descriptors', descriptors + 32],
    ['many places', change(descriptors, 0x7fff_ffff), 'write descriptors', descriptors],
    ['many blocks', change(descriptors + 4, 0x7fff_ffff), 'write descriptors', descriptors],
    ['a block too many', change(descriptors + 20, 2), 'payload', payload],
    ['a block outside the disk', change(descriptors + 12, 16), 'write descriptors', descriptors + 8],
    ['before the disk', change(descriptors + 8, 2, 16), 'write descriptors', descriptors + 8],
    ['cut in the payload', (bytes) => bytes.subarray(0, bytes.length - 1), 'payload', payload],
    ['cut in the descriptors', (bytes) => bytes.subarray(0, descriptors + 20), 'store header', B + 212],
    ['cut in the manifest', (bytes) => bytes.subarray(0, A + 30), 'manifest', A + 24],
    ['cut in the front', (bytes) => bytes.subarray(0, 40), 'security header', 24],
  ])('%s', async (_, mutate, part, offsetBytes) => {
    const bytes = buildFfu(good);
    expect(await letters(bytes)).toBe('.ab.............');
    const error: unknown = await readFfu(memoryReader(mutate(bytes))).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FfuFormatError);
    expect(error).toMatchObject({ part, offsetBytes });
  });

  test.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['SHA-1', change(20, 0x8004), 'hash algorithm 0x8004'],
    ['version 3', change(B + 4, 3), 'store version 3,2'],
    ['an access method', change(descriptors + 8, 1), 'disk access method 1'],
  ])('%s is not supported', async (_, mutate, feature) => {
    const error: unknown = await readFfu(memoryReader(mutate(buildFfu(good)))).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FfuUnsupportedError);
    expect(error).toMatchObject({ feature });
  });

  test.each([
    ['SectorSize = 1000', 'sector size of 1000'],
    ['SectorSize = x', 'SectorSize is "x"'],
    ['MinSectorCount = 99999999999999999999', 'MinSectorCount is'],
    ['MinSectorCount = 999999999999999', 'a disk of'],
  ])('a manifest with %s', async (line, message) => {
    await expect(letters(buildFfu(file([], { manifest: `[Store]\r\n${line}\r\n` })))).rejects.toThrow(
      message,
    );
  });

  test('places from the end need a disk of whole blocks', async () => {
    const entries = [{ locations: [[2, 0]] as const, data: blockOf('a') }];
    const odd = manifestOf([{ sectorSize: 512, sectors: 33 }]);
    await expect(letters(buildFfu(file(entries, { manifest: odd })))).rejects.toThrow(FfuUnsupportedError);
    await expect(letters(buildFfu(file(entries, { manifest: '' })))).rejects.toThrow(FfuUnsupportedError);
  });

  test('several compressed blocks in one descriptor, and absurd lengths', async () => {
    const compressed = (entry: HandMadeEntry): Buffer =>
      buildFfu(file([], { kind: 'v1-compressed', stores: [{ blockBytes: size, entries: [entry] }] }));
    const data = blockOf('a');
    await expect(letters(compressed({ locations: [[0, 0]], blockCount: 2, data }))).rejects.toThrow(
      FfuUnsupportedError,
    );
    await expect(letters(compressed({ locations: [[0, 0]], data: Buffer.alloc(3 * size) }))).rejects.toThrow(
      FfuFormatError,
    );
    await expect(
      letters(compressed({ locations: [[0, 0]], data: Buffer.from('damaged') })),
    ).rejects.toMatchObject({
      part: 'payload',
      cause: { code: 'DISK_IMAGE_DECOMPRESSION' },
    });
  });
});

test('a hostile header on a file that is huge, but all holes, allocates and reads little', async () => {
  const head = buildFfu(file([{ locations: [[0, 1]], data: blockOf('a') }]));
  for (const [name, count, length, blocks] of [
    ['descriptors', 0x0fff_ffff, 0xffff_fff8, 0],
    ['blocks', 1, 16, 0x7fff_ffff],
  ] as const) {
    head.writeUInt32LE(count, 2 * size + 208);
    head.writeUInt32LE(length, 2 * size + 212);
    head.writeUInt32LE(blocks, 2 * size + 248 + 4);
    let read = 0;
    let largest = 0;
    const reader = {
      sizeBytes: 2 ** 50,
      read(offset: number, wanted: number): Promise<Uint8Array> {
        read += wanted;
        largest = Math.max(largest, wanted);
        const bytes = new Uint8Array(wanted);
        bytes.set(head.subarray(offset, offset + wanted));
        return Promise.resolve(bytes);
      },
      close: () => Promise.resolve(),
    };
    const before = process.memoryUsage().arrayBuffers;
    const error: unknown = await readFfu(reader).catch((reason: unknown) => reason);
    expect(error, name).toSatisfy(
      (reason) => reason instanceof FfuLimitError || reason instanceof FfuFormatError,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * kib);
    expect(largest).toBeLessThan(1024 * kib);
    expect(read).toBeLessThan(64 * 1024 * kib);
  }
});

test('the limit of the block map can be raised', async () => {
  const entries = Array.from({ length: 10 }, (_, index) => ({
    locations: [[0, index]] as const,
    data: blockOf('a'),
  }));
  const bytes = buildFfu(file(entries));
  const error: unknown = await readFfu(memoryReader(bytes), { maxTableBytes: 79 }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    code: 'DISK_IMAGE_FFU_LIMIT',
    limit: 'maxTableBytes',
    detail: 'the block map of this FFU needs 80 bytes',
  });
  await readFfu(memoryReader(bytes), { maxTableBytes: 80 });

  // And by all that opens images of any kind.
  const path = join(await tempFolder(), 'disk.ffu');
  const target = `${path}.raw`;
  await writeFile(path, bytes);
  const low = { maxTableBytes: 79 };
  const high = { maxTableBytes: 80 };
  const limited = { code: 'DISK_IMAGE_FFU_LIMIT' };
  await expect(inspectImage(path, low)).rejects.toMatchObject(limited);
  expect(await inspectImage(path, { ...high, hash: true })).toMatchObject({ format: 'ffu' });
  await expect(diffImages(path, path, low)).rejects.toMatchObject(limited);
  await diffImages(path, path, high);
  await expect(convertAny({ source: path, target, ...low })).rejects.toMatchObject(limited);
  await convertAny({ source: path, target, ...high });
  const failed = { status: 'failed', limit: 'maxTableBytes' };
  expect((await verifyImage(path, low)).checks).toMatchObject([
    { status: 'note' },
    { name: 'ffu', ...failed },
    { name: 'disk', ...failed },
  ]);
  expect((await verifyImage(path, high)).checks).toContainEqual({
    name: 'ffu',
    status: 'ok',
    detail: 'all 12 digests of the hash table',
  });
});

describe('verification', () => {
  const sound = file(
    Array.from({ length: 6 }, (_, index) => ({
      locations: [[0, index]] as const,
      data: blockOf('abcdef'[index] ?? ''),
    })),
  );
  test('each changed byte behind the front is found, with its place', async () => {
    const bytes = buildFfu(sound);
    for (const at of [size, 2 * size + 5, 3 * size, 3 * size + 4095, 8 * size + 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      const report = await verifyFfu(memoryReader(changed)).catch(() => undefined);
      // In the headers it may not even open.
      if (at > 2 * size + 5)
        expect(report).toMatchObject({
          ok: false,
          damageCount: 1,
          damage: [
            { offsetBytes: at - (at % size), digestIndex: Math.floor(at / size) - 1, lengthBytes: size },
          ],
        });
      else expect(report?.ok ?? false).toBe(false);
    }
  });

  test('digests that are missing or too many', async () => {
    const bytes = buildFfu(sound);
    const count = bytes.readUInt32LE(28);
    bytes.writeUInt32LE(count - 32, 28);
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({
      ok: false,
      digests: 7,
      expectedDigests: 8,
      damage: [{ digestIndex: 7, reason: 'there is no digest for it' }],
    });
    bytes.writeUInt32LE(count + 32, 28);
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({ ok: false, digests: 9, damageCount: 0 });
  });

  test('a catalog that cannot be read is reported, and no reason to refuse', async () => {
    const bytes = buildFfu(sound);
    expect(await verifyFfu(memoryReader(bytes))).toMatchObject({
      ok: true,
      catalog: { status: 'unreadable', signed: false },
    });
  });

  test('a file by its path', async () => {
    const path = join(await tempFolder(), 'a.ffu');
    await writeFile(path, buildFfu(sound));
    const seen: number[] = [];
    expect(await verifyFfu(path, { onProgress: (done) => seen.push(done) })).toMatchObject({ ok: true });
    expect(seen.at(-1)).toBe(9 * size);
    const image = await openFfu(path);
    expect(Buffer.from(await image.read(5 * size, 1)).toString()).toBe('f');
    await image.close();
    await expect(verifyFfu(path, { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
