import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BufferPool,
  DoubleReleaseError,
  ForeignReleaseError,
  isTransientPoolError,
  pageBytes,
  PoolOptionError,
  PoolTimeoutError,
} from '@osforge/perf';

describe('with O_DIRECT on a real file', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'buffer-pool-'));
    path = join(folder, 'file');
    await writeFile(path, Buffer.alloc(1024 * 1024, 7));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('every buffer reads and writes', async () => {
    const pool = new BufferPool({ sizeBytes: 3 * pageBytes, count: 5 });
    const file = await open(path, constants.O_RDWR | constants.O_DIRECT);
    try {
      const buffers = await Promise.all(Array.from({ length: 5 }, () => pool.acquire()));
      for (const [index, buffer] of buffers.entries()) {
        expect((await file.read(buffer, 0, buffer.length, 0)).bytesRead).toBe(3 * pageBytes);
        expect(buffer.every((byte) => byte === 7)).toBe(true);
        buffer.fill(index);
        expect((await file.write(buffer, 0, buffer.length, (index + 1) * buffer.length)).bytesWritten).toBe(
          12_288,
        );
      }
      for (const buffer of buffers) pool.release(buffer);
      const back = await pool.acquire();
      for (const index of buffers.keys()) {
        await file.read(back, 0, back.length, (index + 1) * back.length);
        expect(back.every((byte) => byte === index)).toBe(true);
      }
    } finally {
      await file.close();
    }
  });

  test('a shared buffer reads and writes, and a worker thread hashes it where it is', async () => {
    const pool = new BufferPool({ sizeBytes: 2 * pageBytes, count: 3, shared: true });
    const file = await open(path, constants.O_RDWR | constants.O_DIRECT);
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const { createHash } = require('node:crypto');
       parentPort.on('message', (bytes) => {
         parentPort.postMessage(createHash('sha256').update(bytes).digest('hex'));
         bytes.fill(9);
         parentPort.postMessage('filled');
       });`,
      { eval: true },
    );
    try {
      const buffers = [await pool.acquire(), await pool.acquire()];
      const buffer = buffers[1] ?? Buffer.alloc(0);
      await file.read(buffer, 0, buffer.length, 512 * 1024);
      worker.postMessage(buffer);
      const [digest] = (await once(worker, 'message')) as [string];
      expect(digest).toBe(
        createHash('sha256')
          .update(Buffer.alloc(2 * pageBytes, 7))
          .digest('hex'),
      );
      await once(worker, 'message');
      expect(buffer.every((byte) => byte === 9)).toBe(true);
      expect(buffers[0]?.includes(9)).toBe(false);
      await file.write(buffer, 0, buffer.length, 512 * 1024);
      expect((await file.read(await pool.acquire(), 0, pageBytes, 512 * 1024)).buffer[0]).toBe(9);
      for (const one of buffers) pool.release(one);
    } finally {
      await worker.terminate();
      await file.close();
    }
  });

  test('a buffer of Node and one byte beside a page are refused: the kernel does look', async () => {
    const pool = new BufferPool({ sizeBytes: 2 * pageBytes, count: 1 });
    const file = await open(path, constants.O_RDONLY | constants.O_DIRECT);
    try {
      const ofNode = Buffer.from(new ArrayBuffer(1024 * 1024));
      await expect(file.read(ofNode, 0, pageBytes, 0)).rejects.toMatchObject({ code: 'EINVAL' });
      const beside = (await pool.acquire()).subarray(1, 1 + pageBytes);
      await expect(file.read(beside, 0, pageBytes, 0)).rejects.toMatchObject({ code: 'EINVAL' });
    } finally {
      await file.close();
    }
  });
});

test('those who wait get a buffer in their order, and counts tell of them', async () => {
  const pool = new BufferPool({ sizeBytes: pageBytes, count: 1 });
  const buffer = await pool.acquire();
  const order: string[] = [];
  const waiting = ['first', 'second'].map(async (name) => {
    const got = await pool.acquire();
    order.push(name);
    pool.release(got);
  });
  expect(pool.tryAcquire()).toBeUndefined();
  expect(pool.statistics).toEqual({ count: 1, inUse: 1, peak: 1, waiting: 2 });
  pool.release(buffer);
  await Promise.all(waiting);
  expect(order).toEqual(['first', 'second']);
  expect(pool.statistics).toEqual({ count: 1, inUse: 0, peak: 1, waiting: 0 });
});

test('a wait ends by deadline and abort, and loses no buffer', async () => {
  const pool = new BufferPool({ sizeBytes: pageBytes, count: 1 });
  const buffer = await pool.acquire();
  const late = pool.acquire({ timeoutMs: 1 });
  await expect(late).rejects.toThrow(PoolTimeoutError);
  await late.catch((error: unknown) => {
    expect(isTransientPoolError(error)).toBe(true);
  });
  const abort = new AbortController();
  const waiting = pool.acquire({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(pool.acquire({ signal: abort.signal })).rejects.toThrow('enough');
  pool.release(buffer);
  expect(pool.statistics).toMatchObject({ inUse: 0, waiting: 0 });
  expect(pool.tryAcquire()).toBe(buffer);
});

test('use releases whatever happens', async () => {
  const pool = new BufferPool({ sizeBytes: pageBytes, count: 1 });
  expect(await pool.use((buffer) => buffer.length)).toBe(pageBytes);
  await expect(pool.use(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(pool.statistics.inUse).toBe(0);
});

test('finds every wrong release', async () => {
  const pool = new BufferPool({ sizeBytes: pageBytes, count: 2 });
  const buffer = await pool.acquire();
  expect(() => {
    pool.release(buffer.subarray(0, 10));
  }).toThrow(ForeignReleaseError);
  pool.release(buffer);
  expect(() => {
    pool.release(buffer);
  }).toThrow(DoubleReleaseError);
  expect(pool.statistics.inUse).toBe(0);
});

test.each([
  { sizeBytes: 1000, count: 1 },
  { sizeBytes: 0, count: 1 },
  { sizeBytes: pageBytes, count: 0 },
  { sizeBytes: 1024 ** 3, count: 5 },
])('refuses %o', (options) => {
  expect(() => new BufferPool(options)).toThrow(PoolOptionError);
});
