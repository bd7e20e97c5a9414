import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diffImages, diffTrees, type TreeEntry } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeSampleDisk } from './sample-disk.ts';
import { tempFolder, tool } from './temp.ts';

const entry = (path: string, more: Partial<TreeEntry> = {}): TreeEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  xattrs: {},
  mtimeSeconds: 0,
  ...more,
});

async function differences(before: TreeEntry[], after: TreeEntry[]): Promise<string[]> {
  const found: string[] = [];
  const stream = async function* (list: TreeEntry[]): AsyncGenerator<TreeEntry> {
    for (const item of list) yield await Promise.resolve(item);
  };
  for await (const { path, kind, fields } of diffTrees(stream(before), stream(after)))
    found.push(`${kind} ${path} ${fields.join()}`.trimEnd());
  return found;
}

test('trees are merged in the order of the walk, where a slash comes first', async () => {
  // In byte order "/a.b" would lie before "/a/c"; the walk gives the folder's files first.
  const walk = ['/', '/a', '/a/c', '/a.b', '/b'].map((path) => entry(path));
  expect(await differences(walk, walk)).toEqual([]);
  expect(
    await differences(
      walk,
      walk.filter(({ path }) => path !== '/a/c'),
    ),
  ).toEqual(['removed /a/c']);
  expect(await differences(walk.slice(0, 1), walk)).toEqual([
    'added /a',
    'added /a/c',
    'added /a.b',
    'added /b',
  ]);
  expect(await differences([], [entry('/')])).toEqual(['added /']);
});

test('every field that counts, and times that do not', async () => {
  const base = entry('/f', { sha256: 'aa' });
  for (const [change, field] of [
    [{ sha256: 'bb' }, 'content'],
    [{ mode: 0o4755 }, 'mode'],
    [{ uid: 5 }, 'owner'],
    [{ gid: 5 }, 'owner'],
    [{ xattrs: { 'user.a': '00' } }, 'xattrs'],
    [{ linkTarget: 'x' }, 'linkTarget'],
    [{ rdev: '1:3' }, 'device'],
    [{ type: 'fifo' }, 'type'],
  ] as const)
    expect(await differences([base], [entry('/f', { sha256: 'aa', ...change })])).toEqual([
      `changed /f ${field}`,
    ]);
  expect(await differences([base], [{ ...base, mtimeSeconds: 9 }])).toEqual([]);
});

test('an image and its conversion are equal', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const qcow2 = join(folder, 'disk.qcow2');
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path, qcow2);
  expect(await diffImages(path, qcow2)).toEqual({ equal: true, disk: [], partitions: [] });
});

test('files that were added, removed and changed in ext4', async () => {
  const folder = await tempFolder();
  const a = await makeSampleDisk(folder, 'a.raw', { 'etc/hostname': 'a\n', 'etc/gone': '1', same: 's' });
  const b = await makeSampleDisk(folder, 'b.raw', { 'etc/hostname': 'b\n', 'etc/new': '1', same: 's' });
  const part = join(folder, 'part');
  const sector = b.rootStart / 512;
  await tool('dd', `if=${b.path}`, `of=${part}`, `skip=${sector}`, `count=${20 * 2048}`, 'status=none');
  await tool('debugfs', '-w', '-R', 'sif same mode 0100600', part);
  await tool('dd', `if=${part}`, `of=${b.path}`, `seek=${sector}`, 'conv=notrunc', 'status=none');
  const found = await diffImages(a.path, b.path);
  expect(found.equal).toBe(false);
  expect(found.disk).toEqual([]);
  expect(found.partitions).toHaveLength(1);
  const [root] = found.partitions;
  expect(root).toMatchObject({
    number: 2,
    name: 'root',
    kind: 'changed',
    facts: [],
    contentDiffers: true,
    fileCounts: { added: 1, removed: 1, changed: 2 },
  });
  expect(root?.files?.map(({ kind, path, fields }) => `${kind} ${path} ${fields.join()}`.trimEnd())).toEqual([
    'removed /etc/gone',
    'changed /etc/hostname content',
    'added /etc/new',
    'changed /same mode',
  ]);
});

test('files that were added, removed and changed in the EFI system partition', async () => {
  const folder = await tempFolder();
  const a = await makeSampleDisk(folder, 'a.raw');
  const b = join(folder, 'b.raw');
  await tool('cp', '--sparse=always', a.path, b);
  const esp = `${b}@@${a.espStart}`;
  for (const [name, text] of [
    ['BOOTX64.EFI', 'other'],
    ['a new entry.conf', 'new'],
  ] as const) {
    await writeFile(join(folder, name), text);
    await tool('mcopy', '-o', '-i', esp, join(folder, name), '::/EFI/BOOT/');
  }
  await tool('mattrib', '+r', '-i', esp, '::/EFI/BOOT/a new entry.conf');
  const told = async (from: string, to: string): Promise<unknown> => {
    const { equal, partitions } = await diffImages(from, to);
    const [found, ...others] = partitions;
    expect(others).toEqual([]);
    expect(found).toMatchObject({ number: 1, name: 'ESP', contentDiffers: true });
    expect(found).not.toHaveProperty('problem');
    return [
      equal,
      found?.files?.map(({ kind, path, fields }) => `${kind} ${path} ${fields.join()}`.trimEnd()),
    ];
  };
  expect(await told(a.path, b)).toEqual([
    false,
    ['changed /EFI/BOOT/BOOTX64.EFI content', 'added /EFI/BOOT/a new entry.conf'],
  ]);
  expect(await told(b, a.path)).toEqual([
    false,
    ['changed /EFI/BOOT/BOOTX64.EFI content', 'removed /EFI/BOOT/a new entry.conf'],
  ]);
  const c = join(folder, 'c.raw');
  await tool('cp', '--sparse=always', b, c);
  await tool('mattrib', '-r', '-i', `${c}@@${a.espStart}`, '::/EFI/BOOT/a new entry.conf');
  expect(await told(b, c)).toEqual([false, ['changed /EFI/BOOT/a new entry.conf mode']]);
  // A table that is damaged: the files before are told, and why there are no more.
  const file = await open(c, 'r+');
  await file.write(Buffer.alloc(512), 0, 512, a.espStart + 512);
  await file.close();
  const { partitions } = await diffImages(b, c);
  expect(partitions[0]?.problem).toMatch(
    /^the files could not be compared to the end: the chain at cluster /,
  );
});

test('other partitions, other bytes, and bytes outside of partitions', async () => {
  const folder = await tempFolder();
  const a = await makeSampleDisk(folder, 'a.raw');
  const b = join(folder, 'b.raw');
  await tool('cp', '--sparse=always', a.path, b);
  const change = async (at: number): Promise<void> => {
    const file = await open(b, 'r+');
    await file.write(Buffer.from([0x5a]), 0, 1, at);
    await file.close();
  };
  await change(100);
  expect(await diffImages(a.path, b)).toEqual({
    equal: false,
    disk: [],
    partitions: [],
    firstDifferenceAt: 100,
  });
  await change(a.espStart + 1_000_000);
  expect(await diffImages(a.path, b)).toMatchObject({
    partitions: [{ number: 1, contentDiffers: true, firstDifferenceAt: 1_000_000 }],
  });
  await tool('sgdisk', '-d', '1', '-c', '2:data', b);
  expect(await diffImages(a.path, b)).toMatchObject({
    equal: false,
    partitions: [
      { number: 1, kind: 'removed' },
      { number: 2, facts: [{ what: 'name', before: 'root', after: 'data' }], contentDiffers: false },
    ],
  });
});
