import { mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  FlushCancelledError,
  FlushNotFoundError,
  FlushTargetError,
  FlushTimeoutError,
  FlushUnsupportedError,
  flushFile,
  flushImage,
  flushTree,
  flushVolume,
} from '@osforge/flush';
import { failing, faultFileSystem } from './fault-file-system.ts';
import { loopDevice, mountExt4, scratch, tmpfs, tool } from './scratch.ts';

const mebibyte = 1024 * 1024;

/** A device that fails when it must store more than `sizeBytes`: a sparse image on a tmpfs of that size. */
async function failingDevice(sizeBytes: number): Promise<string> {
  const image = join(await tmpfs(sizeBytes), 'disk.img');
  tool('truncate', '-s', '64M', image);
  return loopDevice(image);
}

describe('flushFile', () => {
  test('fsyncs the file and its folder, once each, and says so', async () => {
    const folder = scratch();
    const path = join(folder, 'a');
    await writeFile(path, 'content');
    const fs = faultFileSystem(() => undefined);
    expect(await flushFile(path, { fs })).toMatchObject({
      method: 'fsync',
      target: path,
      bytes: 7,
      files: 1,
    });
    expect(fs.calls.filter((line) => line.startsWith('sync'))).toEqual([`sync ${path}`, `sync ${folder}`]);
  });

  test('dataOnly is fdatasync; folder: false leaves the folder', async () => {
    const path = join(scratch(), 'a');
    await writeFile(path, 'content');
    const fs = faultFileSystem(() => undefined);
    expect((await flushFile(path, { fs, dataOnly: true, folder: false })).method).toBe('fdatasync');
    expect(fs.calls.filter((line) => line.includes('sync '))).toEqual([`datasync ${path}`]);
  });

  test('data of another writer reaches the device (root)', async () => {
    const image = join(scratch(), 'disk.img');
    tool('truncate', '-s', '16M', image);
    const folder = await mountExt4(loopDevice(image));
    await writeFile(join(folder, 'a'), 'needle in the hay');
    expect((await readFile(image)).includes('needle in the hay')).toBe(false);
    await flushFile(join(folder, 'a'));
    expect((await readFile(image)).includes('needle in the hay')).toBe(true);
  });

  test('follows a link to the file and the folder that it is in', async () => {
    const folder = scratch();
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'sub', 'a'), 'x');
    await symlink('sub/a', join(folder, 'link'));
    const fs = faultFileSystem(() => undefined);
    expect((await flushFile(join(folder, 'link'), { fs })).target).toBe(join(folder, 'sub', 'a'));
    expect(fs.calls).toContain(`sync ${join(folder, 'sub')}`);
  });

  test('refuses a folder and a FIFO, which it does not wait for', async () => {
    const folder = scratch();
    tool('mkfifo', join(folder, 'fifo'));
    await expect(flushFile(folder)).rejects.toThrow(FlushTargetError);
    await expect(flushFile(join(folder, 'fifo'))).rejects.toThrow(FlushTargetError);
    await expect(flushFile(join(folder, 'no'))).rejects.toThrow(FlushNotFoundError);
  });

  test.each(['sync', 'datasync'] as const)('%s is not repeated after EIO', async (call) => {
    const path = join(scratch(), 'a');
    await writeFile(path, 'x');
    const fs = failing(call, 'EIO');
    await expect(flushFile(path, { fs, dataOnly: call === 'datasync', verify: true })).rejects.toMatchObject({
      code: 'FLUSH_IO',
      operation: `f${call}`,
      errno: 'EIO',
    });
    expect(fs.count('sync') + fs.count('datasync')).toBe(1);
  });

  test('a file system that cannot fsync a folder is unsupported, not fine', async () => {
    const path = join(scratch(), 'a');
    await writeFile(path, 'x');
    const fs = failing('sync', 'EINVAL', /flush-[^/]+$/);
    await expect(flushFile(path, { fs })).rejects.toThrow(FlushUnsupportedError);
  });

  test('a deadline', async () => {
    const path = join(scratch(), 'a');
    await writeFile(path, 'x');
    const fs = faultFileSystem((call) => (call === 'sync' ? new Promise(() => {}) : undefined));
    await expect(flushFile(path, { fs, timeoutMs: 30 })).rejects.toThrow(FlushTimeoutError);
  });
});

describe('flushTree', () => {
  async function tree(): Promise<string> {
    const root = join(scratch(), 'tree');
    await mkdir(join(root, 'b', 'c'), { recursive: true });
    for (const name of ['a', 'b/x', 'b/c/y', 'z']) await writeFile(join(root, name), `content of ${name}`);
    await symlink('/etc/passwd', join(root, 'b', 'link'));
    tool('mkfifo', join(root, 'b', 'fifo'));
    return root;
  }

  test('every file, then every folder from the deepest up, then the folder around', async () => {
    const root = await tree();
    const fs = faultFileSystem(() => undefined);
    const report = await flushTree(root, { fs, concurrency: 1 });
    expect(report).toMatchObject({
      method: 'fsync',
      target: root,
      files: 4,
      bytes: 'content of '.length * 4 + 10,
    });
    const synced = fs.calls
      .filter((line) => line.startsWith('sync '))
      .map((line) => line.replace(`sync ${root}`, ''));
    expect(synced).toEqual(['/a', '/b/c/y', '/b/x', '/z', '/b/c', '/b', '', `sync ${join(root, '..')}`]);
  });

  test('the digest is that of the sorted lines of sha256sum', async () => {
    const root = await tree();
    const lines = ['a', 'b/c/y', 'b/x', 'z'].map(
      (name) => `${createHash('sha256').update(`content of ${name}`).digest('hex')}  ${name}\n`,
    );
    const expected = createHash('sha256').update(lines.join('')).digest('hex');
    const { verified } = await flushTree(root, { verify: { expected } });
    expect(verified).toMatchObject({ expected, actual: expected, bytes: 54 });
    await writeFile(join(root, 'z'), 'other');
    await expect(flushTree(root, { verify: { expected } })).rejects.toMatchObject({ code: 'FLUSH_VERIFY' });
  });

  test('is as verified as its worst file (root)', async () => {
    const root = join(await tmpfs(mebibyte), 'tree');
    await mkdir(root);
    await writeFile(join(root, 'a'), 'x');
    expect((await flushTree(root, { verify: true })).verified).toMatchObject({
      how: 'none',
      reason: 'a: tmpfs keeps its files in memory',
    });
    await expect(flushTree(root, { verify: 'required' })).rejects.toThrow(FlushUnsupportedError);
  });

  test('an empty tree, a missing one, and a file', async () => {
    const root = scratch();
    await writeFile(join(root, 'file'), '');
    await mkdir(join(root, 'empty'));
    expect(await flushTree(join(root, 'empty'))).toMatchObject({ files: 0, bytes: 0 });
    await expect(flushTree(join(root, 'no'))).rejects.toThrow(FlushNotFoundError);
    await expect(flushTree(join(root, 'file'))).rejects.toMatchObject({ operation: 'readdir' });
  });

  test('after an error nothing more is begun', async () => {
    const root = await tree();
    const fs = failing('sync', 'EIO', /\/a$/);
    await expect(flushTree(root, { fs, concurrency: 1 })).rejects.toMatchObject({
      code: 'FLUSH_IO',
      target: join(root, 'a'),
    });
    expect(fs.count('sync')).toBe(1);
  });
});

describe('flushVolume and flushImage', () => {
  test('a mounted volume: what nobody flushed reaches the device (root)', async () => {
    const image = join(scratch(), 'disk.img');
    tool('truncate', '-s', '16M', image);
    const folder = await mountExt4(loopDevice(image));
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'sub', 'a'), 'needle in the hay');
    expect((await readFile(image)).includes('needle in the hay')).toBe(false);
    // Any path within the volume names it.
    const report = await flushVolume(join(folder, 'sub'));
    expect(report).toMatchObject({ method: 'syncfs', bytes: 0, files: 0, verified: { how: 'none' } });
    expect((await readFile(image)).includes('needle in the hay')).toBe(true);
  });

  test('a mounted volume whose device fails (root)', async () => {
    const folder = await mountExt4(await failingDevice(6 * mebibyte));
    await writeFile(join(folder, 'a'), Buffer.alloc(16 * mebibyte, 'x'));
    await expect(flushVolume(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/^FLUSH_(?:IO|NO_SPACE)$/) as string, // vitest types matchers as any
      operation: 'syncfs',
      target: folder,
    });
  });

  test('a block device: what another process wrote reaches it (root)', async () => {
    const image = join(scratch(), 'disk.img');
    tool('truncate', '-s', '4M', image);
    const device = loopDevice(image);
    const file = await open(device, 'r+'); // held open: the last close would write back by itself
    await file.write('needle in the hay');
    expect((await readFile(image)).includes('needle in the hay')).toBe(false);
    const report = await flushVolume(device);
    expect(report).toMatchObject({
      method: 'fsync+blkflsbuf',
      target: device,
      bytes: 4 * mebibyte,
      files: 0,
    });
    expect((await readFile(image)).includes('needle in the hay')).toBe(true);
    await file.close();
  });

  test.each([
    ['flushVolume', flushVolume],
    ['flushImage', flushImage],
  ] as const)(
    '%s: EIO of a block device is told, and fsync not repeated: a second one would pass (root)',
    async (_name, flush) => {
      const device = await failingDevice(4 * mebibyte);
      const file = await open(device, 'r+');
      await file.write(Buffer.alloc(12 * mebibyte, 'x'));
      const fs = faultFileSystem(() => undefined);
      await expect(flush(device, { fs })).rejects.toMatchObject({
        code: 'FLUSH_IO',
        errno: 'EIO',
        operation: 'fsync',
        target: device,
      });
      expect(fs.count('sync')).toBe(1);
      // The trap itself: the kernel has told its error, the pages are lost, and fsync is content.
      const again = await open(device, 'r');
      await expect(again.sync()).resolves.toBeUndefined();
      await again.close();
      await file.close();
    },
  );

  test('an image file', async () => {
    const path = join(scratch(), 'disk.raw');
    await writeFile(path, Buffer.alloc(mebibyte, 'x'));
    const fs = faultFileSystem(() => undefined);
    expect(await flushImage(path, { fs })).toMatchObject({ method: 'fsync', bytes: mebibyte, files: 1 });
    expect(fs.calls.filter((line) => line.startsWith('sync'))).toEqual([
      `sync ${path}`,
      `sync ${join(path, '..')}`,
    ]);
  });

  test('what has no volume or content', async () => {
    const fifo = join(scratch(), 'fifo');
    tool('mkfifo', fifo);
    await expect(flushVolume(fifo)).rejects.toThrow(FlushTargetError);
    await expect(flushImage(fifo)).rejects.toThrow(FlushTargetError);
    await expect(flushImage('/dev/null')).rejects.toThrow(FlushTargetError);
    await expect(flushVolume('/no/such/mount')).rejects.toThrow(FlushNotFoundError);
  });

  test('a signal stops the tool', async () => {
    const controller = new AbortController();
    const flush = flushVolume(scratch(), { signal: controller.signal });
    controller.abort('stop');
    await expect(flush).rejects.toThrow(FlushCancelledError);
  });
});
