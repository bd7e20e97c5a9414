import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSparseFile,
  type Ext4ReaderOptions,
  isImageFormatError,
  memoryReader,
  normalizeExt4Times,
  openExt4,
  treeDigest,
} from '@osforge/disk-image';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeRichTree } from './rich-tree.ts';
import { seededRandom, tempFolder, tool } from './temp.ts';

const mib = 1024 * 1024;
/** For a long run: OSFORGE_FUZZ_ROUNDS=200000, and another OSFORGE_FUZZ_SEED each time. */
const rounds = Number(process.env['OSFORGE_FUZZ_ROUNDS'] ?? 2000);
const seed = Number(process.env['OSFORGE_FUZZ_SEED'] ?? 1);
// A mutated size may be anything: the tree's largest file is 1.2 MB.
const limits: Ext4ReaderOptions = { maxHashedBytes: 16 * mib };

interface Sample {
  readonly bytes: Uint8Array;
  scratch?: Uint8Array;
  /** Bytes that mean something: superblock, descriptors, inodes, folders, extent nodes, attribute blocks. */
  readonly metadata: readonly { start: number; length: number }[];
}

async function sample(...options: string[]): Promise<Sample> {
  const folder = await tempFolder();
  const image = join(folder, 'disk');
  await makeRichTree(join(folder, 'tree'), { entries: 120, fragments: 400, sparseBytes: mib / 4 });
  await createSparseFile(image, 8 * mib);
  await tool(
    'mkfs.ext4',
    '-q',
    '-F',
    '-b',
    '1024',
    '-N',
    '512',
    '-J',
    'size=1',
    ...options,
    '-d',
    join(folder, 'tree'),
    image,
  );
  const bytes = new Uint8Array(await readFile(image));
  const blocks = new Set<number>([1, 2]);
  const add = (text: string, pattern: RegExp): void => {
    for (const match of text.matchAll(pattern))
      for (let block = Number(match[1]); block <= Number(match[2] ?? match[1]); block += 1) blocks.add(block);
  };
  add(await tool('dumpe2fs', image), /Inode table at (\d+)-(\d+)/g);
  for (const path of ['/', '/folder', '/many', '/fragmented', '/plain']) {
    const stat = await tool('debugfs', '-R', `stat ${path}`, image);
    add(stat, path === '/fragmented' ? /ETB\d\):(\d+)/g : /\(\d+(?:-\d+)?\):(\d+)(?:-(\d+))?/g);
    add(stat, /File ACL: ([1-9]\d*)/g);
  }
  return { bytes, metadata: [...blocks].map((block) => ({ start: block * 1024, length: 1024 })) };
}

function mutate(sample: Sample, random: (below: number) => number): Uint8Array {
  const { bytes, metadata } = sample;
  // One copy for all rounds: only metadata is ever changed, and put back here.
  const copy = (sample.scratch ??= bytes.slice());
  for (const { start, length } of metadata) copy.set(bytes.subarray(start, start + length), start);
  const changes = 1 + random(4);
  for (let change = 0; change < changes; change += 1) {
    const region = metadata[random(metadata.length)];
    if (region === undefined) continue;
    let at = region.start + random(region.length);
    // Look for a byte that is in use: most of an inode table is zeros.
    for (let tries = 0; tries < 64 && copy[at] === 0; tries += 1) at = region.start + random(region.length);
    const kind = random(4);
    if (kind === 0) copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    else if (kind === 1) copy[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)] ?? 0;
    else if (kind === 2) copy.fill(0xff, at & ~3, (at & ~3) + 4);
    else copy.copyWithin(at & ~3, region.start + random(region.length - 8), region.start + region.length - 4);
  }
  return copy;
}

async function readAll(bytes: Uint8Array): Promise<void> {
  const ext4 = await openExt4(memoryReader(bytes), 0, limits);
  await treeDigest(ext4.walk());
}

test.each([
  ['plain', []],
  ['inline data', ['-O', 'inline_data', '-I', '256']],
])(
  'as root: mutated images (%s) give a tree or a typed error',
  async (_, options) => {
    const original = await sample(...options);
    await readAll(original.bytes);
    const random = seededRandom(seed);
    let refused = 0;
    for (let round = 0; round < rounds / 2; round += 1) {
      try {
        await readAll(mutate(original, random));
      } catch (error) {
        refused += 1;
        if (!isImageFormatError(error)) throw new Error(`round ${round} of seed ${seed}`, { cause: error });
      }
    }
    // Neither all nor none: the mutations reach what the reader looks at.
    expect(refused).toBeGreaterThan(rounds / 50);
    expect(refused).toBeLessThan(rounds / 2);
  },
  3_600_000,
);

test('as root: normalizing mutated images gives a typed error or ends', async () => {
  const original = await sample();
  const random = seededRandom(seed + 1);
  const path = join(await tempFolder(), 'disk');
  for (let round = 0; round < Math.min(rounds / 20, 1000); round += 1) {
    await writeFile(path, mutate(original, random));
    try {
      await normalizeExt4Times({ imagePath: path, offsetBytes: 0, epochSeconds: 1 });
    } catch (error) {
      if (!isImageFormatError(error)) throw new Error(`round ${round} of seed ${seed + 1}`, { cause: error });
    }
  }
}, 3_600_000);

test('truncated images give typed errors', async () => {
  const original = await sample();
  for (const length of [0, 1000, 2048, 3000, 100_000, 5 * mib, 8 * mib - 1]) {
    await expect(readAll(original.bytes.subarray(0, length))).rejects.toSatisfy(isImageFormatError);
  }
});
