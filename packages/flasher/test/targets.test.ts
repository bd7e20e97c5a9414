import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '@osforge/perf';
import { openTarget } from '../src/targets/open-target.ts';
import type { TargetHandle } from '../src/targets/target-handle.ts';
import { memoryTarget } from './fake-target.ts';
import { after, loopDevice, mebibyte, oldDisk, scratch, selected, tmpfs, tool } from './scratch.ts';

const size = 4 * mebibyte;
const open = async (path: string): Promise<TargetHandle> =>
  await openTarget(await selected(path), { imageSizeBytes: size, allowPartition: false });

/** A RAM disk of the kernel's, removed after the test; needs root. */
function zram(): string {
  const number = readFileSync('/sys/class/zram-control/hot_add', 'utf8').trim();
  after(() => {
    writeFileSync('/sys/class/zram-control/hot_remove', number);
  });
  writeFileSync(`/sys/block/zram${number}/disksize`, String(size));
  return `/dev/zram${number}`;
}

describe.each([
  ['a new file', () => open(join(scratch(), 'new'))],
  ['an old file', () => open(oldDisk(join(scratch(), 'old'), size))],
  ['as root: a file in memory', () => open(join(tmpfs(2 * size), 'new'))],
  ['as root: a loop device', () => open(loopDevice(oldDisk(join(scratch(), 'old'), size)))],
  [
    'as root: a loop device with direct I/O',
    () => open(loopDevice(oldDisk(join(scratch(), 'old'), size), '--direct-io=on')),
  ],
  ['as root: zram', () => open(zram())],
  ['a plain object', () => Promise.resolve(memoryTarget('memory', size))],
])('a target that is %s', (_, make) => {
  const pool = new BufferPool({ sizeBytes: mebibyte, count: 3 });

  test('gives back what was written, several at once, and closes twice', async () => {
    const target = await make();
    try {
      const [first, second, read] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
      first.fill('first');
      second.fill('second');
      await Promise.all([target.write(first, 0), target.write(second, 2 * mebibyte)]);
      await target.sync();
      await target.beforeReadBack();
      await target.read(read, 2 * mebibyte);
      expect(read.equals(second)).toBe(true);
      await target.read(read, 0);
      expect(read.equals(first)).toBe(true);
      if (target.readsZeros) {
        await target.read(read, mebibyte);
        expect(read.every((byte) => byte === 0)).toBe(true);
      }
      await target.finish(size);
      for (const buffer of [first, second, read]) pool.release(buffer);
    } finally {
      await target.close();
      await target.close();
    }
  });

  test('refuses to write beyond its end, if it has one', async () => {
    const target = await make();
    try {
      if (target.sizeBytes !== size) expect(target.sizeBytes).toBe(Number.POSITIVE_INFINITY);
      else await expect(pool.use((buffer) => target.write(buffer, size))).rejects.toThrow();
    } finally {
      await target.close();
    }
  });
});

test('as root: a device is given its blocks back only within the image', async () => {
  const backing = oldDisk(join(scratch(), 'old'), size);
  const target = await open(loopDevice(backing));
  await target.discard?.(0, mebibyte);
  await target.close();
  tool('sync', backing);
  const bytes = readFileSync(backing);
  expect(bytes.subarray(0, mebibyte).every((byte) => byte === 0)).toBe(true);
  expect(bytes.subarray(mebibyte).equals(Buffer.alloc(size, 'old content ').subarray(mebibyte))).toBe(true);
});
