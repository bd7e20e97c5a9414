import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import {
  captureFfu,
  convertAny,
  diffImages,
  expandPieces,
  ImageBackingError,
  ImageExpandError,
  ImageLimitError,
  inspectImage,
  isImageFormatError,
  rawContentDigest,
  verifyImage,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { buildFfu, manifestOf } from './ffu/build-ffu.ts';
import { makeSampleDisk } from './sample-disk.ts';
import { seededRandom, tempFolder, tool } from './temp.ts';

async function patch(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
}

test('the same disk in every format: partitions, file systems, sizes, one digest of the disk', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const at = (name: string): string => join(folder, name);
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path, at('disk.qcow2'));
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'vhdx', path, at('disk.vhdx'));
  await tool('zstd', '-q', '-k', path, '-o', at('disk.raw.zst'));
  await tool('gzip', '-k', path);
  await tool('xz', '-0', '-k', path);
  await captureFfu({ source: path, target: at('disk.ffu') });
  const digest = await rawContentDigest(path);
  for (const [file, format, told] of [
    ['disk.raw', 'raw', 'partition table'],
    ['disk.qcow2', 'qcow2', 'partition table'],
    ['disk.vhdx', 'vhdx', 'partition table'],
    ['disk.ffu', 'ffu', 'partition table'],
    ['disk.raw.zst', 'raw.zst', 'partition table'],
    ['disk.raw.gz', 'raw.gz', 'partition table'],
    ['disk.raw.xz', 'raw.xz', 'partition table'],
  ] as const) {
    const report = await inspectImage(at(file), { hash: true });
    expect(report, file).toMatchObject({
      format,
      virtualBytes: 32 * 1024 * 1024,
      sectorSize: { bytes: 512, told },
      table: {
        kind: 'gpt',
        diskGuid: '11111111-2222-4333-8444-555555555555',
        primaryOk: true,
        backupOk: true,
      },
      partitions: [
        {
          number: 1,
          name: 'ESP',
          typeName: 'EFI system',
          guid: 'aaaaaaaa-2222-4333-8444-555555555555',
          fileSystem: { type: 'fat12', dirty: false, uuid: 'CAFE-0001' },
        },
        {
          number: 2,
          name: 'root',
          fileSystem: { type: 'ext4', label: 'root', dirty: false, state: 'clean' },
        },
      ],
      hashes: { disk: digest },
    });
    expect(report.sectorSize.problem).toBeUndefined();
    expect(report.usedBytes).toBeGreaterThan(300_000);
    expect(report.usedBytes).toBeLessThan(32 * 1024 * 1024);
    expect(report.hashes?.file).toBe((await tool('sha256sum', at(file))).slice(0, 64));
  }
});

test('sectors of 4096 bytes, and dirty file systems', async () => {
  const folder = await tempFolder();
  const { path, rootStart } = await makeSampleDisk(folder, 'disk.raw', {}, 4096);
  // ext4's state field: not unmounted. Without metadata checksums, so that one byte is enough.
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'vhdx', path, join(folder, 'disk.vhdx'));
  const report = await inspectImage(path);
  expect(report.sectorSize).toEqual({ bytes: 4096, told: 'partition table' });
  // qemu-img writes VHDX with sectors of 512 bytes, whatever is on the disk.
  expect((await inspectImage(join(folder, 'disk.vhdx'))).sectorSize).toEqual({
    bytes: 4096,
    told: 'partition table',
    problem: 'the VHDX metadata says 512',
  });
  const part = join(folder, 'root.img');
  await tool(
    'dd',
    `if=${path}`,
    `of=${part}`,
    'bs=4096',
    `skip=${rootStart / 4096}`,
    'count=2048',
    'status=none',
  );
  await tool('truncate', '-s', '32M', part);
  await tool('debugfs', '-w', '-R', 'ssv state 0', part);
  expect(await inspectImage(part)).toMatchObject({
    table: { kind: 'none' },
    sectorSize: { bytes: undefined, told: 'nothing' },
    fileSystem: { type: 'ext4', dirty: true, state: 'not-clean' },
  });
});

test('what nothing tells: an empty VHDX says its sectors itself; other file systems by their signature', async () => {
  const folder = await tempFolder();
  const vhdx = join(folder, 'empty.vhdx');
  await tool('qemu-img', 'create', '-q', '-f', 'vhdx', vhdx, '8M');
  expect(await inspectImage(vhdx)).toMatchObject({
    sectorSize: { bytes: 512, told: 'VHDX metadata' },
    table: { kind: 'none' },
    partitions: [],
  });
  expect((await inspectImage(vhdx)).usedBytes).toBeLessThan(8 * 1024 * 1024);
  for (const [type, offset, magic] of [
    ['exfat', 3, 'EXFAT   '],
    ['xfs', 0, 'XFSB'],
    ['swap', 4086, 'SWAPSPACE2'],
    ['btrfs', 65_600, '_BHRfS_M'],
  ] as const) {
    const file = join(folder, type);
    await writeFile(file, Buffer.alloc(256 * 1024));
    await patch(file, offset, Buffer.from(magic));
    expect((await inspectImage(file)).fileSystem).toEqual({ type });
  }
});

test('an MBR, a damaged primary GPT, a partition behind the end', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  await patch(path, 520, Buffer.from([0xff]));
  const damaged = await inspectImage(path);
  expect(damaged.table).toMatchObject({ kind: 'gpt', primaryOk: false, backupOk: true });
  expect(damaged.table.problem).toContain('primary');
  expect(damaged.partitions).toHaveLength(2);
  const mbr = join(folder, 'mbr.img');
  await writeFile(mbr, '');
  await tool('truncate', '-s', '4M', mbr);
  const entry = Buffer.alloc(66);
  entry.set([0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0x40, 0, 0]);
  entry.set([0x55, 0xaa], 64);
  await patch(mbr, 446, entry);
  expect(await inspectImage(mbr)).toMatchObject({
    table: { kind: 'mbr' },
    partitions: [{ number: 1, typeGuid: '0x83', startBytes: 1024 * 1024, problem: /reaches behind/ }],
  });
});

test('a qcow2 that stands on another file is refused, and so is a data file', async () => {
  const folder = await tempFolder();
  const secret = join(folder, 'secret');
  await writeFile(secret, 'secret'.repeat(1000));
  const overlay = join(folder, 'overlay.qcow2');
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', overlay);
  await expect(inspectImage(overlay)).rejects.toThrow(ImageBackingError);
  const split = join(folder, 'split.qcow2');
  await tool(
    'qemu-img',
    'create',
    '-q',
    '-f',
    'qcow2',
    '-o',
    `data_file=${join(folder, 'data')}`,
    split,
    '1M',
  );
  await expect(inspectImage(split)).rejects.toThrow(ImageBackingError);
});

test.each([
  ['', { bytes: undefined, told: 'nothing' }],
  ['SectorSize = 512\r\n', { bytes: 512, told: 'FFU manifest' }],
  ['SectorSize = 4096\r\n', { bytes: 4096, told: 'FFU manifest' }],
])('the sector size of an FFU without a partition table, with "%s" in its manifest', async (line, told) => {
  const path = join(await tempFolder(), 'disk.ffu');
  const data = Buffer.alloc(4096, 1);
  const file = buildFfu({
    kind: 'v1',
    chunkBytes: 4096,
    manifest: `[FullFlash]\r\nVersion = 2.0\r\n[Store]\r\n${line}MinSectorCount = 64\r\n`,
    stores: [{ blockBytes: 4096, entries: [{ locations: [[0, 0]], data }] }],
  });
  await writeFile(path, file);
  expect((await inspectImage(path)).sectorSize).toEqual(told);
});

test('of an FFU with several disks each can be looked at and converted, and none is left out without a word', async () => {
  const path = join(await tempFolder(), 'disks.ffu');
  const data = Buffer.alloc(4096, 1);
  const stores = [
    { blockBytes: 4096, devicePath: 'VenHw(one)', entries: [{ locations: [[0, 1]] as const, data }] },
    {
      blockBytes: 4096,
      devicePath: 'VenHw(second)',
      entries: [0, 2].map((place) => ({ locations: [[0, place]] as const, data })),
    },
  ];
  const manifest = manifestOf([
    { sectorSize: 512, sectors: 32 },
    { sectorSize: 4096, sectors: 3 },
  ]);
  await writeFile(path, buildFfu({ kind: 'v2', chunkBytes: 4096, manifest, stores }));
  expect(await inspectImage(path)).toMatchObject({
    format: 'ffu',
    virtualBytes: 32 * 512,
    sectorSize: { bytes: 512, told: 'FFU manifest' },
    stores: [
      { number: 1, devicePath: 'VenHw(one)', sizeBytes: 32 * 512, sectorSize: 512, storedBytes: 4096 },
      { number: 2, devicePath: 'VenHw(second)', sizeBytes: 3 * 4096, sectorSize: 4096, storedBytes: 8192 },
    ],
  });
  expect(await inspectImage(path)).toMatchObject({ disk: 1 });
  expect(await inspectImage(path, { disk: 2, hash: true })).toMatchObject({
    disk: 2,
    virtualBytes: 3 * 4096,
    sectorSize: { bytes: 4096, told: 'FFU manifest' },
  });
  const target = `${path}.raw`;
  const say = { code: 'DISK_IMAGE_DISKS', path, disks: 2 };
  await expect(convertAny({ source: path, target })).rejects.toMatchObject(say);
  await expect(diffImages(path, path)).rejects.toMatchObject(say);
  for (const work of [
    () => inspectImage(path, { disk: 3 }),
    () => convertAny({ source: path, target, disk: 3 }),
  ])
    await expect(work()).rejects.toMatchObject({
      ...say,
      message: `${path} has 2 disks: there is no disk 3`,
    });
  await convertAny({ source: path, target, disk: 2 });
  expect(await readFile(target)).toEqual(Buffer.concat([data, Buffer.alloc(4096), data]));
  const one = `${target} has one disk: there is no disk 2`;
  await expect(convertAny({ source: target, target: `${path}.qcow2`, disk: 2 })).rejects.toThrow(one);
  await expect(inspectImage(target, { disk: 2 })).rejects.toThrow(one);
  const note = { name: 'ffu', status: 'note', detail: expect.stringContaining('it holds 2 disks') as string };
  expect((await verifyImage(path)).checks).toContainEqual(note);
  // One disk is what everybody expects.
  const single = manifestOf([{ sectorSize: 512, sectors: 32 }]);
  await writeFile(
    path,
    buildFfu({ kind: 'v2', chunkBytes: 4096, manifest: single, stores: stores.slice(0, 1) }),
  );
  expect(await inspectImage(path)).not.toHaveProperty('stores');
});

test('a small file that claims a disk of a pebibyte is refused at once', async () => {
  const path = join(await tempFolder(), 'huge.qcow2');
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', path, '1P');
  await expect(inspectImage(path)).rejects.toThrow(ImageLimitError);
  expect((await verifyImage(path)).ok).toBe(false);
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', path, '64T');
  expect(await inspectImage(path)).toMatchObject({ virtualBytes: 2 ** 46, usedBytes: 0 });
});

describe('compressed images', () => {
  const collect = async (path: string, options = {}): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const piece of expandPieces(path, 'raw.zst', options)) parts.push(piece);
    return Buffer.concat(parts);
  };

  test('zstd of several frames, with frames to skip, and empty ones', async () => {
    const folder = await tempFolder();
    const file = join(folder, 'x.zst');
    const random = seededRandom(7);
    const plain = [10, 0, 300_000, 1_500_000].map((length) =>
      Buffer.from(Array.from({ length }, (_, index) => (index % 5000 < 2500 ? 7 : random(256)))),
    );
    const skip = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    await writeFile(file, Buffer.concat([skip, ...plain.flatMap((part) => [zstdCompressSync(part), skip])]));
    expect((await collect(file)).equals(Buffer.concat(plain))).toBe(true);
    // The same by the program, which writes checksums.
    const raw = join(folder, 'y');
    await writeFile(raw, Buffer.concat(plain));
    await tool('zstd', '-q', '--check', raw, '-o', `${raw}.zst`);
    expect((await collect(`${raw}.zst`)).equals(Buffer.concat(plain))).toBe(true);
  });

  test('thousands of small frames, frames that expand a thousandfold, and a hundred thousand empty blocks', async () => {
    const folder = await tempFolder();
    const file = join(folder, 'x.zst');
    // Far below what is handed to a decoder at once, and far above what is expanded without a stream.
    const large = Buffer.alloc(5_000_000, 'zeros and ones ');
    const small = Array.from({ length: 3000 }, (_, index) => Buffer.from(`part ${index}`));
    // A frame with a window of 128 KiB: raw blocks of no bytes, then one of three bytes that is the last.
    const empty = Buffer.concat([
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]),
      Buffer.alloc(3 * 100_000),
      Buffer.from([(3 << 3) | 1, 0, 0]),
      Buffer.from('end'),
    ]);
    await writeFile(
      file,
      Buffer.concat([zstdCompressSync(large), ...small.map((part) => zstdCompressSync(part)), empty]),
    );
    const expected = Buffer.concat([large, ...small, Buffer.from('end')]);
    expect((await collect(file)).equals(expected)).toBe(true);
    // A damaged small frame is an error behind what was sound.
    await writeFile(file, Buffer.concat([zstdCompressSync(large), empty.subarray(0, 9)]));
    await expect(collect(file)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining('behind byte 5000000') as string }),
    );
    await expect(collect(file, { maxExpandedBytes: 4_000_000 })).rejects.toThrow(ImageLimitError);
  });

  test('cut at any place, and mutated: a typed error or the right bytes, and no more than allowed', async () => {
    const folder = await tempFolder();
    const random = seededRandom(11);
    const plain = Buffer.from(
      Array.from({ length: 40_000 }, (_, index) => (index % 700 < 300 ? 1 : random(256))),
    );
    const raw = join(folder, 'plain');
    await writeFile(raw, plain);
    await tool('zstd', '-q', '--check', raw, '-o', `${raw}.zst`);
    const whole = await readFile(`${raw}.zst`);
    const file = join(folder, 'broken');
    for (let round = 0; round < 150; round += 1) {
      const broken = Buffer.from(whole.subarray(0, round < 50 ? random(whole.length) : whole.length));
      if (round >= 50) broken[random(broken.length)] = random(256);
      await writeFile(file, broken);
      const result = await collect(file, { maxExpandedBytes: 100_000 }).catch((error: unknown) => error);
      if (Buffer.isBuffer(result)) expect(result.equals(plain) || broken.length === 0).toBe(true);
      else
        expect(result instanceof ImageExpandError || result instanceof ImageLimitError, String(result)).toBe(
          true,
        );
    }
  });

  test('a bomb stops at the limit; xz and gzip that are cut say so', async () => {
    const folder = await tempFolder();
    const raw = join(folder, 'zeros');
    await writeFile(raw, '');
    await tool('truncate', '-s', '64M', raw);
    await tool('zstd', '-q', '-k', raw, '-o', `${raw}.zst`);
    await tool('xz', '-0', '-k', raw);
    await tool('gzip', '-k', raw);
    await expect(inspectImage(`${raw}.zst`, { maxExpandedBytes: 2 ** 20 })).rejects.toThrow(ImageLimitError);
    for (const extension of ['xz', 'gz']) {
      const bytes = await readFile(`${raw}.${extension}`);
      const cut = join(folder, `cut.${extension}`);
      await writeFile(cut, bytes.subarray(0, bytes.length - 20));
      await expect(inspectImage(cut)).rejects.toThrow(ImageExpandError);
    }
  });
});

test('fuzz: mutated and cut disks give a report or a typed error', async () => {
  const folder = await tempFolder();
  const { path, espStart, rootStart } = await makeSampleDisk(folder, 'disk.raw');
  const sound = await readFile(path);
  const random = seededRandom(3);
  const places = [446, 512, 1024, 1024 + 128, espStart, rootStart + 1024, sound.length - 512];
  const file = join(folder, 'mutated.raw');
  const rounds = Number(process.env['OSFORGE_FUZZ_ROUNDS'] ?? 0) > 0 ? 2000 : 60;
  for (let round = 0; round < rounds; round += 1) {
    const bytes = Buffer.from(round % 4 === 0 ? sound.subarray(0, random(sound.length)) : sound);
    for (let count = random(6); count >= 0; count -= 1) {
      const at = (places[random(places.length)] ?? 0) + random(128);
      if (at < bytes.length) bytes[at] = random(256);
    }
    await writeFile(file, bytes);
    try {
      const report = await inspectImage(file);
      expect(report.virtualBytes).toBe(bytes.length);
    } catch (error) {
      expect(isImageFormatError(error), String(error)).toBe(true);
    }
  }
});
