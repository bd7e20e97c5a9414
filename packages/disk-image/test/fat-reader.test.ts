import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlockReader,
  createSparseFile,
  FatFormatError,
  isImageFormatError,
  memoryReader,
  openFat,
  openRaw,
  type TreeEntry,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { mib, sampleBytes } from './ffu/disk.ts';
import { hostTree } from './host-tree.ts';
import { seededRandom, tempFolder, tool } from './temp.ts';

const widths = [12, 16, 32] as const;
type Width = (typeof widths)[number];

const rounds = Number(process.env['OSFORGE_FUZZ_ROUNDS'] ?? 3000);
const seed = Number(process.env['OSFORGE_FUZZ_SEED'] ?? 1);

async function makeFat(folder: string, width: Width, small = false): Promise<string> {
  const image = join(folder, 'fat');
  await createSparseFile(image, (small ? { 12: 1, 16: 4, 32: 34 } : { 12: 4, 16: 16, 32: 64 })[width] * mib);
  const cluster = width === 12 && !small ? '8' : '1';
  await tool('mkfs.fat', '-F', String(width), '-s', cluster, '-n', 'LABEL', image);
  return image;
}

const copy = (image: string, ...args: string[]): Promise<string> =>
  tool('env', 'TZ=UTC', 'MTOOLSRC=/dev/null', 'mcopy', '-i', image, ...args);

async function entries(reader: BlockReader, offset = 0): Promise<TreeEntry[]> {
  const found: TreeEntry[] = [];
  for await (const entry of (await openFat(reader, offset)).walk()) found.push(entry);
  return found;
}

async function entriesOf(image: string): Promise<TreeEntry[]> {
  const reader = await openRaw(image);
  try {
    return await entries(reader);
  } finally {
    await reader.close();
  }
}

const comparable = (list: readonly TreeEntry[]): unknown[] =>
  list.map(({ path, type, sizeBytes, sha256, mtimeSeconds }) => ({
    path,
    type,
    sizeBytes,
    sha256,
    ...(type === 'file' ? { mtimeSeconds } : {}),
  }));

describe.each(widths)('FAT%i', (width) => {
  test('the tree that mtools copied: names of all kinds, many files, chains in pieces', async () => {
    const folder = await tempFolder();
    const image = await makeFat(folder, width);
    const tree = join(folder, 'tree');
    const files: Record<string, Uint8Array> = {
      'EFI/BOOT/BOOTX64.EFI': sampleBytes(200_000, 'mixed', 1),
      'EFI/osforge/a/b/c/d/deep.txt': Buffer.from('deep'),
      'a long name with spaces.conf': Buffer.from('long'),
      'Mixed.Txt': Buffer.from('mixed'),
      'lower.txt': Buffer.from('lower'),
      'UPPER.TXT': Buffer.from('upper'),
      'a.b.c.d': Buffer.from('dots'),
      'Größe ☃.txt': Buffer.from('not ASCII'),
      [`${'n'.repeat(200)}.x`]: Buffer.from('very long'),
      empty: Buffer.alloc(0),
      cluster: sampleBytes(4096, 'noise', 2),
    };
    for (let number = 0; number < 120; number += 1)
      files[`many/file number ${number}.txt`] = Buffer.from(`${number}`);
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(tree, name, '..'), { recursive: true });
      await writeFile(join(tree, name), content);
      await utimes(join(tree, name), 1_700_000_000, 1_700_000_000);
    }
    // Every other file goes again, and what comes then takes their places.
    await mkdir(join(folder, 'holes'));
    const holes = Array.from({ length: 60 }, (_, number) => join(folder, 'holes', `h${number}.tmp`));
    for (const hole of holes) await writeFile(hole, Buffer.alloc(9000, 1));
    await copy(image, ...holes, '::/');
    const gone = holes.filter((_, number) => number % 2 === 0).map((_, number) => `::/h${2 * number}.tmp`);
    await tool('mdel', '-i', image, ...gone);
    const large = join(tree, 'fragmented.bin');
    await writeFile(large, sampleBytes(500_000, 'noise', 3));
    await utimes(large, 1_700_000_000, 1_700_000_000);
    await copy(image, '-m', large, '::/');
    await tool('mdel', '-i', image, '::/h*.tmp');
    for (const name of ['EFI', 'many', ...Object.keys(files).filter((name) => !name.includes('/'))])
      await copy(image, '-s', '-m', join(tree, name), '::/');
    await tool('fsck.fat', '-n', image);
    expect(comparable(await entriesOf(image))).toEqual(comparable(await hostTree(tree)));
  });

  test('loops, cut chains, impossible clusters and folders with two names are refused', async () => {
    const folder = await tempFolder();
    const image = await makeFat(folder, width, true);
    await writeFile(join(folder, 'f'), sampleBytes(40_000, 'text', 1));
    await tool('mmd', '-i', image, '::/one', '::/two');
    await copy(image, join(folder, 'f'), '::/one/file');
    const bytes = await readFile(image);
    expect((await entries(memoryReader(bytes))).map(({ path }) => path)).toEqual([
      '/',
      '/one',
      '/one/file',
      '/two',
    ]);
    const boot = bytes.readUInt16LE(14) * 512;
    const setNext = (copyOf: Buffer, cluster: number, value: number): void => {
      if (width === 32) copyOf.writeUInt32LE(value >>> 0, boot + 4 * cluster);
      else if (width === 16) copyOf.writeUInt16LE(value & 0xffff, boot + 2 * cluster);
      else {
        const at = boot + cluster + (cluster >> 1);
        const old = copyOf.readUInt16LE(at);
        copyOf.writeUInt16LE(
          cluster & 1 ? (old & 0xf) | ((value & 0xfff) << 4) : (old & 0xf000) | (value & 0xfff),
          at,
        );
      }
    };
    const entryAt = (name: string): number => bytes.indexOf(Buffer.from(name.padEnd(11, ' ')), boot);
    const clusterOf = (name: string): number => bytes.readUInt16LE(entryAt(name) + 26);
    const [one, two, file] = [clusterOf('ONE'), clusterOf('TWO'), clusterOf('FILE')];
    const cases: [string, (damaged: Buffer) => void][] = [
      [
        'a folder that is a loop',
        (damaged) => {
          setNext(damaged, one, one);
        },
      ],
      [
        'a file whose chain ends early',
        (damaged) => {
          setNext(damaged, file + 3, 0x0fff_ffff);
        },
      ],
      [
        'a file whose chain runs into a free cluster',
        (damaged) => {
          setNext(damaged, file + 3, 0);
        },
      ],
      [
        'a chain into cluster 1',
        (damaged) => {
          setNext(damaged, file + 3, 1);
        },
      ],
      [
        'a chain out of the table',
        (damaged) => {
          setNext(damaged, file + 3, width === 12 ? 0xfee : 0xffee);
        },
      ],
      ['a folder with two names', (damaged) => damaged.writeUInt16LE(one, entryAt('TWO') + 26)],
      ['a folder in itself', (damaged) => damaged.writeUInt16LE(one, entryAt('FILE') + 26)],
      ['a folder without a cluster', (damaged) => damaged.writeUInt16LE(0, entryAt('TWO') + 26)],
      [
        'a file larger than the file system, in a loop',
        (damaged) => {
          setNext(damaged, file + 1, file);
          damaged.writeUInt32LE(0xffff_ffff, entryAt('FILE') + 28);
        },
      ],
    ];
    expect(two).toBeGreaterThan(1);
    for (const [name, damage] of cases) {
      const damaged = Buffer.from(bytes);
      damage(damaged);
      // As a folder, for the one that is to be one.
      if (name === 'a folder in itself') damaged.writeUInt8(0x10, entryAt('FILE') + 11);
      await expect(entries(memoryReader(damaged)), name).rejects.toThrow(FatFormatError);
    }
    // The file system says more than its partition has.
    await expect(openFat(memoryReader(bytes), 0, { sizeBytes: bytes.length / 2 })).rejects.toThrow(
      FatFormatError,
    );
  });

  test('fuzz: mutated file systems give a tree or a typed error', async () => {
    const folder = await tempFolder();
    const image = await makeFat(folder, width, true);
    await writeFile(join(folder, 'f'), sampleBytes(3000, 'text', 1));
    for (const name of ['one', 'two', 'two/three']) await tool('mmd', '-i', image, `::/${name}`);
    for (const name of ['one/a long name', 'two/three/b', 'c'])
      await copy(image, join(folder, 'f'), `::/${name}`);
    const original = await readFile(image);
    const hot: number[] = [];
    for (let at = 0; at < original.length; at += 1) if (original[at] !== 0) hot.push(at);
    const random = seededRandom(100 * seed + width);
    const seen = { whole: 0, refused: 0 };
    const bytes = Buffer.from(original);
    for (let round = 0; round < rounds; round += 1) {
      const undo: [number, number][] = [];
      for (let change = 1 + random(3); change > 0; change -= 1) {
        const at = random(3) === 0 ? random(96) : (hot[random(hot.length)] ?? 0);
        undo.push([at, bytes.readUInt8(at)]);
        bytes.writeUInt8(random(2) === 0 ? random(256) : bytes.readUInt8(at) ^ (1 << random(8)), at);
      }
      try {
        const found = await entries(memoryReader(bytes));
        expect(found.length).toBeLessThan(original.length / 32);
        seen.whole += 1;
      } catch (error) {
        if (!isImageFormatError(error))
          throw new Error(`round ${round} of seed ${seed}, FAT${width}`, { cause: error });
        seen.refused += 1;
      }
      for (const [at, value] of undo.reverse()) bytes.writeUInt8(value, at);
    }
    expect(seen.whole).toBeGreaterThan(rounds / 20);
    expect(seen.refused).toBeGreaterThan(rounds / 20);
  });
});
