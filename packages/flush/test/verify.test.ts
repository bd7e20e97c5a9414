import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { copyFile, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FlushIoError, FlushUnsupportedError, FlushVerifyError, flushFile, flushImage } from '@osforge/flush';
import { faultFileSystem, systemError } from './fault-file-system.ts';
import { after, loopDevice, mountExt4, scratch, tmpfs, tool } from './scratch.ts';

const mebibyte = 1024 * 1024;
const sha256sum = (path: string): string => tool('sha256sum', path).slice(0, 64);

/** A file system without O_DIRECT. */
const buffered = (): ReturnType<typeof faultFileSystem> =>
  faultFileSystem((call, _path, flags) => {
    if (call === 'open' && (flags & constants.O_DIRECT) !== 0) throw systemError('EINVAL');
    return undefined;
  });

/** An ext4 on a loop device that reads its image past the page cache; and the path of that image. */
async function ext4OnDisk(sizeBytes: number): Promise<{ folder: string; image: string }> {
  const image = join(scratch(), 'disk.img');
  tool('truncate', '-s', String(sizeBytes), image);
  return { folder: await mountExt4(loopDevice(image, '--direct-io=on')), image };
}

/** Changes one byte where a pattern lies in a disk image, behind the back of what is mounted from it. */
async function corrupt(image: string, pattern: string): Promise<void> {
  const at = (await readFile(image)).indexOf(pattern);
  expect(at).toBeGreaterThan(0);
  const file = await open(image, 'r+');
  await file.write('!', at);
  await file.sync();
  await file.close();
}

test('reads back from the device, past the page cache (root)', async () => {
  const { folder } = await ext4OnDisk(16 * mebibyte);
  const path = join(folder, 'a');
  await writeFile(path, Buffer.alloc(3 * mebibyte + 123, 'content'));
  const sha256 = sha256sum(path);
  const { method, verified } = await flushFile(path, { verify: 'required' });
  expect(method).toBe('fsync');
  expect(verified).toEqual({
    how: 'read-back-direct',
    algorithm: 'sha256',
    expected: sha256,
    actual: sha256,
    bytes: 3 * mebibyte + 123,
  });
});

test.each([0, 1, 4096, 4097, mebibyte, mebibyte + 1])('reads back %i bytes (root)', async (size) => {
  const { folder } = await ext4OnDisk(8 * mebibyte);
  const path = join(folder, 'a');
  await writeFile(path, Buffer.alloc(size, 'x'));
  expect((await flushFile(path, { verify: 'required' })).verified).toMatchObject({
    how: 'read-back-direct',
    bytes: size,
    actual: sha256sum(path),
  });
});

test('a hole needs no device, data beside it does (root)', async () => {
  const { folder } = await ext4OnDisk(16 * mebibyte);
  const path = join(folder, 'a');
  tool('truncate', '-s', '40M', path);
  tool(
    'dd',
    'if=/dev/urandom',
    `of=${path}`,
    'bs=4096',
    'count=2',
    'seek=300',
    'conv=notrunc',
    'status=none',
  );
  expect((await flushFile(path, { verify: 'required' })).verified).toMatchObject({
    how: 'read-back-direct',
    actual: sha256sum(path),
  });
});

test('a device that lost a byte is found, although the page cache still has it (root)', async () => {
  const { folder, image } = await ext4OnDisk(16 * mebibyte);
  const path = join(folder, 'a');
  await writeFile(path, Buffer.from(`${'.'.repeat(500_000)}needle in the hay${'.'.repeat(500_000)}`));
  const { verified } = await flushFile(path, { verify: true });
  await corrupt(image, 'needle in the hay');
  const error: unknown = await flushFile(path, { verify: true }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FlushVerifyError);
  expect(error).toMatchObject({ code: 'FLUSH_VERIFY', target: path, expected: verified.expected });
  expect(await readFile(path, 'utf8')).toContain('needle in the hay'); // so a cached read-back would have passed
});

test('the same on a block device (root)', async () => {
  const image = join(scratch(), 'disk.img');
  tool('truncate', '-s', '4M', image);
  const device = loopDevice(image, '--direct-io=on');
  const file = await open(device, 'r+'); // held open, so that its pages stay cached
  await file.write(Buffer.from('needle in the hay'), 0, 17, mebibyte);
  expect(await flushImage(device, { verify: 'required' })).toMatchObject({
    method: 'fsync+blkflsbuf',
    bytes: 4 * mebibyte,
    files: 0,
    verified: { how: 'read-back-direct', actual: sha256sum(image) },
  });
  const expected = sha256sum(image);
  await corrupt(image, 'needle in the hay');
  await expect(flushImage(device, { verify: { expected } })).rejects.toThrow(FlushVerifyError);
  await file.close();
});

test('an image on a larger device: only its bytes are compared (root)', async () => {
  const image = join(scratch(), 'disk.img');
  await writeFile(image, Buffer.alloc(4 * mebibyte, 'old'));
  const device = loopDevice(image, '--direct-io=on');
  const part = join(scratch(), 'part');
  await writeFile(part, Buffer.alloc(mebibyte + 512, 'new'));
  tool('dd', `if=${part}`, `of=${device}`, 'conv=notrunc', 'status=none');
  const expected = sha256sum(part);
  const report = await flushImage(device, {
    verify: { expected, required: true },
    sizeBytes: mebibyte + 512,
  });
  expect(report).toMatchObject({
    bytes: mebibyte + 512,
    verified: { how: 'read-back-direct', actual: expected },
  });
});

test('a digest that the caller knows', async () => {
  const path = join(scratch(), 'a');
  await writeFile(path, 'content');
  const expected = sha256sum(path);
  expect((await flushFile(path, { verify: { expected } })).verified).toMatchObject({
    expected,
    actual: expected,
  });
  const wrong = '0'.repeat(64);
  await expect(flushFile(path, { verify: { expected: wrong } })).rejects.toMatchObject({
    code: 'FLUSH_VERIFY',
    expected: wrong,
    actual: expected,
  });
});

test('memory is no device: tmpfs accepts O_DIRECT, and nothing is claimed (root)', async () => {
  const path = join(await tmpfs(4 * mebibyte), 'a');
  await writeFile(path, Buffer.alloc(mebibyte, 'x'));
  const { verified } = await flushFile(path, { verify: true });
  expect(verified).toMatchObject({ how: 'none', reason: 'tmpfs keeps its files in memory', bytes: mebibyte });
  await expect(flushFile(path, { verify: 'required' })).rejects.toThrow(FlushUnsupportedError);
});

test('a loop device that reads through the page cache: nothing is claimed (root)', async () => {
  const image = join(scratch(), 'disk.img');
  tool('truncate', '-s', '16M', image);
  const device = loopDevice(image, '--direct-io=off');
  const folder = await mountExt4(device);
  await writeFile(join(folder, 'a'), 'x');
  for (const path of [join(folder, 'a'), device]) {
    const { verified } = await flushImage(path, { verify: true });
    expect(verified.how).toBe('none');
    expect(verified.reason).toMatch(/^loop\d+ reads its backing file through the page cache/);
  }
});

test('without O_DIRECT the page cache is dropped, and the report says so (root)', async () => {
  const { folder } = await ext4OnDisk(16 * mebibyte);
  const path = join(folder, 'a');
  await writeFile(path, Buffer.alloc(5 * mebibyte, 'content'));
  const { verified } = await flushFile(path, { verify: 'required', fs: buffered() });
  expect(verified).toMatchObject({ how: 'read-back-dropped-cache', actual: sha256sum(path) });
});

test('a cache that does not let go is noticed: pages of a running program (root)', async () => {
  const { folder } = await ext4OnDisk(16 * mebibyte);
  const path = join(folder, 'program');
  await copyFile('/usr/bin/tail', path);
  const child = spawn(path, ['-f', '/dev/null'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const { verified } = await flushFile(path, { verify: true, fs: buffered() });
  child.kill('SIGKILL');
  await ended; // before the file system is unmounted
  expect(verified.how).toBe('none');
  expect(verified.reason).toMatch(/^O_DIRECT is refused, and \d+ bytes stay in the page cache$/);
});

test('a read-back that fails is an I/O error, and one that ends early is too', async () => {
  const path = join(scratch(), 'a');
  await writeFile(path, 'content');
  const expected = sha256sum(path);
  const broken = faultFileSystem((call) => {
    if (call === 'read') throw systemError('EIO');
    return undefined;
  });
  await expect(flushFile(path, { verify: { expected }, fs: broken })).rejects.toMatchObject({
    code: 'FLUSH_IO',
    operation: 'read-back',
  });
  const short = faultFileSystem(() => undefined);
  const openFile = short.open.bind(short);
  short.open = async (name, flags, mode) => ({
    ...(await openFile(name, flags, mode)),
    read: () => Promise.resolve({ bytesRead: 0 }),
  });
  await expect(flushFile(path, { verify: { expected }, fs: short })).rejects.toThrow(FlushIoError);
});
