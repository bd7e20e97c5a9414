import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FlushCancelledError, FlushNotFoundError, FlushTargetError, hashFile } from '@osforge/flush';
import { failing } from './fault-file-system.ts';
import { loopDevice, scratch, tool } from './scratch.ts';

const mebibyte = 1024 * 1024;
const sha256sum = (path: string): string => tool('sha256sum', path).slice(0, 64);

test.each([0, 1, 4096, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte + 7])(
  'agrees with sha256sum on %i bytes',
  async (size) => {
    const path = join(scratch(), 'a');
    await writeFile(path, Buffer.alloc(size, 'pattern that is no power of two'));
    expect(await hashFile(path)).toEqual({ sha256: sha256sum(path), sizeBytes: size });
  },
);

test('holes count as zeros, and do not take space', async () => {
  const path = join(scratch(), 'sparse');
  tool('truncate', '-s', '40M', path);
  tool(
    'dd',
    'if=/dev/urandom',
    `of=${path}`,
    'bs=4096',
    'count=1',
    'seek=5000',
    'conv=notrunc',
    'status=none',
  );
  expect(await hashFile(path)).toEqual({ sha256: sha256sum(path), sizeBytes: 40 * mebibyte });
  expect(Number(tool('stat', '-c', '%b', path)) * 512).toBeLessThan(mebibyte);
});

test('a block device, and its first bytes only (root)', async () => {
  const path = join(scratch(), 'disk');
  await writeFile(path, Buffer.alloc(3 * mebibyte, 'disk'));
  const device = loopDevice(path);
  expect(await hashFile(device)).toEqual({ sha256: sha256sum(path), sizeBytes: 3 * mebibyte });
  await writeFile(join(path, '..', 'head'), Buffer.alloc(mebibyte + 5, 'disk'));
  const head = sha256sum(join(path, '..', 'head'));
  expect(await hashFile(device, { lengthBytes: mebibyte + 5 })).toEqual({
    sha256: head,
    sizeBytes: mebibyte + 5,
  });
});

test('progress ends at the size', async () => {
  const path = join(scratch(), 'a');
  await writeFile(path, Buffer.alloc(2 * mebibyte + 1));
  const seen: [number, number][] = [];
  await hashFile(path, { onProgress: (done, total) => seen.push([done, total]) });
  const total = 2 * mebibyte + 1;
  expect(seen).toEqual([
    [mebibyte, total],
    [2 * mebibyte, total],
    [total, total],
  ]);
});

test('stops at a signal, in the midst of a file', async () => {
  const path = join(scratch(), 'a');
  await writeFile(path, Buffer.alloc(8 * mebibyte));
  const controller = new AbortController();
  let seen = 0;
  const onProgress = (done: number): void => {
    seen = done;
    controller.abort();
  };
  await expect(hashFile(path, { signal: controller.signal, onProgress })).rejects.toThrow(
    FlushCancelledError,
  );
  expect(seen).toBe(mebibyte);
});

test('typed errors', async () => {
  const folder = scratch();
  await writeFile(join(folder, 'a'), 'x');
  await expect(hashFile(join(folder, 'no'))).rejects.toThrow(FlushNotFoundError);
  await expect(hashFile(folder)).rejects.toThrow(FlushTargetError);
  await expect(hashFile(join(folder, 'a'), { fs: failing('read', 'EIO') })).rejects.toMatchObject({
    code: 'FLUSH_IO',
    operation: 'read',
  });
});
