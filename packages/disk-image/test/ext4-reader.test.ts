import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlockReader,
  createSparseFile,
  Ext4LimitError,
  Ext4PathError,
  Ext4UnsupportedError,
  makeExt4FromTree,
  openExt4,
  openRaw,
  treeDigest,
  type TreeEntry,
} from '@osforge/disk-image';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { hostTree } from './host-tree.ts';
import { makeRichTree } from './rich-tree.ts';
import { tempFolder, tool } from './temp.ts';

const mib = 1024 * 1024;
const offsetBytes = mib;

async function entries(walk: AsyncIterable<TreeEntry>): Promise<TreeEntry[]> {
  const list: TreeEntry[] = [];
  for await (const entry of walk)
    if (!entry.path.startsWith('/lost+found')) list.push({ ...entry, xattrs: { ...entry.xattrs } });
  return list;
}

function open(path: string): Promise<BlockReader> {
  return openRaw(path).then((reader) => {
    onTestFinished(() => reader.close());
    return reader;
  });
}

/**
 * Unmounts with everything written to its place. The unmount alone may come later than it returns: a mount namespace
 * that another test opened meanwhile keeps the file system mounted, and its journal unwritten.
 */
async function settle(mount: string): Promise<void> {
  await tool('mount', '-o', 'remount,ro', mount);
  await tool('umount', mount);
}

describe('as root: a tree with everything', () => {
  let folder = '';
  let image = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'osforge-reader-'));
    await makeRichTree(join(folder, 'tree'));
    image = join(folder, 'disk.raw');
    await createSparseFile(image, 301 * mib);
    await makeExt4FromTree({
      tree: join(folder, 'tree'),
      imagePath: image,
      offsetBytes,
      sizeBytes: 300 * mib,
      uuid: '01234567-89ab-4def-8123-456789abcdef',
      label: 'root',
      hashSeed: '11111111-2222-4333-8444-555555555555',
      epochSeconds: 1_700_000_000,
    });
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the walk says what the source tree holds', async () => {
    const ext4 = await openExt4(await open(image), offsetBytes);
    const found = await entries(ext4.walk());
    const expected = await hostTree(join(folder, 'tree'));
    expect(found.length).toBeGreaterThan(5000);
    // mkfs.ext4 -d makes the root folder itself: only its time is not that of the source.
    const dated = (list: TreeEntry[]): TreeEntry[] =>
      list.map((entry) => (entry.path === '/' ? { ...entry, mtimeSeconds: 0 } : entry));
    expect(dated(found)).toEqual(dated(expected));
    expect(found.find(({ path }) => path === '/plain')?.xattrs).toHaveProperty(['system.posix_acl_access']);
  }, 300_000);

  test('the digest of the walk equals that of the source, and one changed byte changes it', async () => {
    const ext4 = await openExt4(await open(image), offsetBytes);
    const mask = [{ path: '/lost+found', reason: 'made by mkfs' }];
    const ours = await treeDigest(ext4.walk(), { mask });
    const source = await hostTree(join(folder, 'tree'));
    expect(ours).toEqual(await treeDigest(source));
    expect(await treeDigest([...source].reverse())).toEqual(ours);
    const changed = source.map((entry) => (entry.path === '/empty' ? { ...entry, mode: 0o600 } : entry));
    expect((await treeDigest(changed)).sha256).not.toBe(ours.sha256);
  }, 300_000);

  test('the extent trees really have inner nodes', async () => {
    const device = `${image}?offset=${offsetBytes}`;
    expect(await tool('debugfs', '-R', 'extents /fragmented', device)).toMatch(/ 2\/ 2 /);
  });

  test('files come out as debugfs dumps them', async () => {
    const ext4 = await openExt4(await open(image), offsetBytes);
    for (const path of [
      '/fragmented',
      '/folder/odd',
      '/folder/deep/er/ünï – 日本語 🐧',
      '/many/entry-4900',
    ]) {
      const dump = join(folder, 'dump');
      await tool('debugfs', '-R', `dump "${path}" ${dump}`, `${image}?offset=${offsetBytes}`);
      expect(Buffer.compare(await ext4.readFile(path), await readFile(dump)), path).toBe(0);
    }
  });

  test('a large file comes as a stream, holes as zeros', async () => {
    const ext4 = await openExt4(await open(image), offsetBytes);
    const hash = createHash('sha256');
    let length = 0;
    for await (const piece of ext4.createReadStream('/sparse')) {
      // A byte stream gives Buffers.
      const bytes = piece as Buffer;
      hash.update(bytes);
      length += bytes.length;
    }
    expect(length).toBe(400_000_000);
    expect(`${hash.digest('hex')}  ${join(folder, 'tree/sparse')}\n`).toBe(
      await tool('sha256sum', join(folder, 'tree/sparse')),
    );
  }, 300_000);

  test('part of the tree, lists, and typed errors for paths', async () => {
    const ext4 = await openExt4(await open(image), offsetBytes);
    expect((await entries(ext4.walk('/folder/deep'))).map(({ path }) => path)).toEqual([
      '/folder/deep',
      '/folder/deep/er',
      '/folder/deep/er/ünï – 日本語 🐧',
    ]);
    expect(await ext4.list('/folder/deep')).toEqual(['er']);
    await expect(ext4.readFile('/nothing')).rejects.toThrow(Ext4PathError);
    await expect(ext4.readFile('/plain/below')).rejects.toThrow(Ext4PathError);
    await expect(ext4.readFile('/folder')).rejects.toThrow(Ext4PathError);
    await expect(ext4.list('/plain')).rejects.toThrow(Ext4PathError);
    await expect(ext4.readFile('/sparse')).rejects.toThrow(Ext4LimitError);
  });

  test('limits and cancellation', async () => {
    const reader = await open(image);
    await expect(
      entries((await openExt4(reader, offsetBytes, { maxHashedBytes: mib })).walk()),
    ).rejects.toThrow(Ext4LimitError);
    await expect(
      entries((await openExt4(reader, offsetBytes, { maxPathBytes: 100 })).walk()),
    ).rejects.toThrow(Ext4LimitError);
    await expect(
      entries((await openExt4(reader, offsetBytes, { signal: AbortSignal.abort() })).walk()),
    ).rejects.toThrow('aborted');
  });
});

describe('as root: what only a kernel or other tools write', () => {
  const kernelScript = `
import os, sys, ctypes
root = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open(root + '/preallocated', os.O_RDWR | os.O_CREAT)
os.write(fd, b'head')
if libc.fallocate(fd, 0, ctypes.c_long(0), ctypes.c_long(1 << 20)) != 0: raise OSError(ctypes.get_errno(), 'fallocate')
os.pwrite(fd, b'middle', 500000)
if libc.fallocate(fd, 1, ctypes.c_long(0), ctypes.c_long(4 << 20)) != 0: raise OSError(ctypes.get_errno(), 'fallocate')
os.close(fd)
fd = os.open(root + '/punched', os.O_RDWR | os.O_CREAT)
os.write(fd, b'p' * 100000)
if libc.fallocate(fd, 3, ctypes.c_long(20480), ctypes.c_long(40960)) != 0: raise OSError(ctypes.get_errno(), 'fallocate')
os.close(fd)
for i in range(300): open(root + '/removed-%d' % i, 'w').write('x')
for i in range(0, 300, 2): os.unlink(root + '/removed-%d' % i)
open(root + '/tiny', 'w').write('inline')
open(root + '/small', 'w').write('inline with attribute ' * 6)
os.mkdir(root + '/hashed')
for i in range(1500): open(root + '/hashed/some-name-%d' % i, 'w').close()
os.mkdir(root + '/tiny-folder')
for i in range(7): open(root + '/tiny-folder/n%d' % i, 'w').write('n')
os.symlink('t' * 100, root + '/link')
os.setxattr(root + '/tiny', 'user.a', b'1')
os.setxattr(root + '/small', 'user.b', b'2' * 300)
`;

  test.each([
    ['defaults', []],
    ['1 KiB blocks', ['-b', '1024']],
    ['inline data', ['-O', 'inline_data', '-I', '512']],
    ['meta block groups', ['-b', '1024', '-O', 'meta_bg,^resize_inode']],
    ['no checksums, 32-bit', ['-O', '^metadata_csum,^64bit']],
    ['small inodes', ['-I', '128', '-O', '^metadata_csum']],
    ['clusters', ['-O', 'bigalloc', '-C', '16384']],
    ['seeded checksums', ['-O', 'metadata_csum_seed,large_dir']],
  ])(
    '%s',
    async (_, options) => {
      const folder = await tempFolder();
      const image = join(folder, 'disk.raw');
      await createSparseFile(image, 128 * mib);
      await tool('mkfs.ext4', '-q', '-F', ...options, image);
      await tool('mkdir', join(folder, 'mnt'));
      await tool('mount', '-o', 'loop', image, join(folder, 'mnt'));
      let expected: TreeEntry[];
      try {
        await tool('python3', '-c', kernelScript, join(folder, 'mnt'));
        expected = await hostTree(join(folder, 'mnt'));
      } finally {
        await settle(join(folder, 'mnt'));
      }
      const ext4 = await openExt4(await open(image));
      expect(await entries(ext4.walk())).toEqual(expected);
    },
    60_000,
  );

  test('attribute values in inodes of their own are a typed error that names the feature', async () => {
    const folder = await tempFolder();
    const image = join(folder, 'disk.raw');
    await createSparseFile(image, 32 * mib);
    await tool('mkfs.ext4', '-q', '-F', '-O', 'ea_inode', image);
    await tool('mkdir', join(folder, 'mnt'));
    await tool('mount', '-o', 'loop', image, join(folder, 'mnt'));
    try {
      await writeFile(join(folder, 'mnt/file'), 'x');
      await tool(
        'python3',
        '-c',
        'import os,sys; os.setxattr(sys.argv[1], "user.big", b"x" * 20000)',
        join(folder, 'mnt/file'),
      );
    } finally {
      await settle(join(folder, 'mnt'));
    }
    const ext4 = await openExt4(await open(image));
    await expect(entries(ext4.walk())).rejects.toThrow(Ext4UnsupportedError);
    await expect(entries(ext4.walk())).rejects.toThrow('ea_inode');
  });

  test('block maps are a typed error', async () => {
    const folder = await tempFolder();
    await tool('mkdir', join(folder, 'tree'));
    await writeFile(join(folder, 'tree/file'), 'x');
    await createSparseFile(join(folder, 'disk.raw'), 16 * mib);
    await tool('mke2fs', '-q', '-F', '-t', 'ext2', '-d', join(folder, 'tree'), join(folder, 'disk.raw'));
    const ext4 = await openExt4(await open(join(folder, 'disk.raw')));
    await expect(entries(ext4.walk())).rejects.toThrow(Ext4UnsupportedError);
  });
});
