import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSparseFile,
  DiskFullError,
  Ext4FormatError,
  makeExt4FromTree,
  normalizeExt4Times,
  openRaw,
  readExt4State,
} from '@osforge/disk-image';
import { ProgramFailedError } from '@osforge/process';
import { expect, onTestFinished, test } from 'vitest';
import { makeRichTree } from './rich-tree.ts';
import { tempFolder, tool, toolExit } from './temp.ts';

const mib = 1024 * 1024;
const epochSeconds = 1_700_000_000;
const offsetBytes = 3 * mib;
const sizeBytes = 256 * mib;
const identity = {
  uuid: '01234567-89ab-4def-8123-456789abcdef',
  label: 'root',
  hashSeed: '11111111-2222-4333-8444-555555555555',
  epochSeconds,
};

async function build(tree: string, imagePath: string): Promise<void> {
  await createSparseFile(imagePath, 260 * mib);
  await makeExt4FromTree({ tree, imagePath, offsetBytes, sizeBytes, ...identity });
  await normalizeExt4Times({ imagePath, offsetBytes, epochSeconds });
}

test('as root: equal trees on different file systems, with other times, give equal bytes that e2fsck accepts', async () => {
  const folder = await tempFolder();
  const memory = await mkdtemp('/dev/shm/osforge-disk-');
  onTestFinished(() => rm(memory, { recursive: true, force: true }));
  await makeRichTree(join(folder, 'tree'));
  await tool('cp', '-a', '--sparse=always', join(folder, 'tree'), join(memory, 'tree'));
  // Other access times, and another order in which the entries of a folder were made.
  await tool('touch', '-a', '-d', '2001-01-01', join(memory, 'tree/plain'));
  await tool(
    'sh',
    '-c',
    'cd "$1" && for i in 7 3 99; do mv many/entry-$i x && cp -a x many/entry-$i && rm x; done && touch -d 2026-11-11 many',
    'sh',
    join(memory, 'tree'),
  );
  await build(join(folder, 'tree'), join(folder, 'first'));
  await build(join(memory, 'tree'), join(folder, 'second'));
  const differences = await toolExit('cmp', join(folder, 'first'), join(folder, 'second'));
  expect(differences).toEqual({ code: 0, output: '' });
  const check = await toolExit('e2fsck', '-f', '-n', `${join(folder, 'first')}?offset=${offsetBytes}`);
  expect(check.output).toContain('Pass 5');
  expect(check.code).toBe(0);
}, 300_000);

test('debugfs sees the times that were set, and an older modification time stays', async () => {
  const folder = await tempFolder();
  const image = join(folder, 'disk.raw');
  const tree = join(folder, 'tree');
  await tool('mkdir', tree);
  await writeFile(join(tree, 'new'), 'new');
  await writeFile(join(tree, 'old'), 'old');
  await tool('touch', '-d', '@1000000000.5', join(tree, 'old'));
  await build(tree, image);
  const device = `${image}?offset=${offsetBytes}`;
  const recent = await tool('debugfs', '-R', 'stat /new', device);
  for (const field of ['ctime', 'atime', 'mtime', 'crtime'])
    expect(recent).toMatch(new RegExp(`${field}: 0x6553f100:00000000`));
  expect(await tool('debugfs', '-R', 'stat /old', device)).toContain('mtime: 0x3b9aca00');
  const root = await tool('debugfs', '-R', 'stat <2>', device);
  expect(root).toMatch(/mtime: 0x6553f100/);
  expect((await toolExit('e2fsck', '-f', '-n', device)).code).toBe(0);
  // A second run changes nothing.
  expect((await normalizeExt4Times({ imagePath: image, offsetBytes, epochSeconds })).changed).toBe(0);
});

test('the image stays sparse: no zeros for journal and inode tables, and no work left for the first mount', async () => {
  const folder = await tempFolder();
  const image = join(folder, 'disk.raw');
  await tool('mkdir', join(folder, 'tree'));
  await build(join(folder, 'tree'), image);
  expect((await stat(image)).blocks * 512).toBeLessThan(4 * mib);
  const groups = await tool('dumpe2fs', `${image}?offset=${offsetBytes}`);
  expect(groups.match(/ITABLE_ZEROED/g)).toHaveLength(2);
});

test('reads the state of what it made', async () => {
  const folder = await tempFolder();
  const image = join(folder, 'disk.raw');
  await tool('mkdir', join(folder, 'tree'));
  await build(join(folder, 'tree'), image);
  const reader = await openRaw(image);
  expect(await readExt4State(reader, offsetBytes)).toMatchObject({
    state: 'clean',
    uuid: identity.uuid,
    label: 'root',
    blockSize: 4096,
    sizeBytes,
    errorCount: 0,
  });
  await reader.close();
});

test('a tree that does not fit is a failed program, not a full disk', async () => {
  const folder = await tempFolder();
  await tool('mkdir', join(folder, 'tree'));
  await writeFile(join(folder, 'tree/big'), Buffer.alloc(40 * mib, 1));
  await createSparseFile(join(folder, 'disk.raw'), 32 * mib);
  await expect(
    makeExt4FromTree({
      tree: join(folder, 'tree'),
      imagePath: join(folder, 'disk.raw'),
      offsetBytes: 0,
      sizeBytes: 32 * mib,
      ...identity,
    }),
  ).rejects.toThrow(ProgramFailedError);
});

test('normalizing what is no ext4 is a typed error, and the file stays as it was', async () => {
  const path = join(await tempFolder(), 'disk.raw');
  await writeFile(path, Buffer.alloc(mib, 5));
  await expect(normalizeExt4Times({ imagePath: path, offsetBytes: 0, epochSeconds })).rejects.toThrow(
    Ext4FormatError,
  );
  expect((await readFile(path)).equals(Buffer.alloc(mib, 5))).toBe(true);
});

test('as root: a full host disk is a DiskFullError', async () => {
  const folder = await tempFolder();
  await tool('mkdir', join(folder, 'small'), join(folder, 'tree'));
  await tool('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', join(folder, 'small'));
  try {
    await writeFile(join(folder, 'tree/big'), Buffer.alloc(20 * mib, 1));
    const imagePath = join(folder, 'small/disk.raw');
    await createSparseFile(imagePath, 64 * mib);
    await expect(
      makeExt4FromTree({
        tree: join(folder, 'tree'),
        imagePath,
        offsetBytes: 0,
        sizeBytes: 64 * mib,
        ...identity,
      }),
    ).rejects.toThrow(DiskFullError);
  } finally {
    await tool('umount', join(folder, 'small'));
  }
});
