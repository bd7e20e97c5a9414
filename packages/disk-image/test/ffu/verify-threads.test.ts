import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  captureFfu,
  type FfuDamage,
  type FfuVerifyReport,
  ImageBoundsError,
  openRaw,
  verifyFfu,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { type CheckWorkerData, createCheckPool } from '../../src/ffu/check-pool.ts';
import type { Stretch } from '../../src/ffu/check-stretch.ts';
import { createThreadPool } from '../../src/threads/thread-pool.ts';
import { tempFolder } from '../temp.ts';
import { block, makeDisk, mib, sampleBytes } from './disk.ts';

/** An FFU of several stretches. */
async function image(compress: boolean): Promise<string> {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  const target = join(folder, 'disk.ffu');
  const data = [{ at: mib, bytes: sampleBytes(14 * mib, 'text', 1) }];
  await makeDisk(source, { sizeBytes: 32 * mib, data });
  await captureFfu({ source, target, compress });
  return target;
}

async function opened(path: string): Promise<{ fd: number; size: number; close: () => Promise<void> }> {
  const file = await open(path);
  return { fd: file.fd, size: (await file.stat()).size, close: () => file.close() };
}

/** By no, one and three threads: all the same. */
async function reportOf(path: string): Promise<FfuVerifyReport> {
  const [alone, ...others] = await Promise.all([0, 1, 3].map((workers) => verifyFfu(path, { workers })));
  if (alone === undefined) throw new TypeError('no report');
  expect(others).toEqual([alone, alone]);
  return alone;
}

test.each([{ compress: false }, { compress: true }])(
  'threads find the same as one, in the order of the file; compressed: $compress',
  async ({ compress }) => {
    const path = await image(compress);
    const sound = await reportOf(path);
    expect(sound).toMatchObject({ ok: true, damageCount: 0 });
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    const places = [0.99, 0.5, 0.51, 0.75].map((part) => Math.floor(part * size));
    for (const at of places) {
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, at);
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 0x10]), 0, 1, at);
    }
    await file.close();
    const { ok, damage, damageCount } = await reportOf(path);
    expect(ok).toBe(false);
    expect(damageCount).toBe(damage.length);
    expect(damage.map(({ offsetBytes }) => offsetBytes)).toEqual(
      damage.map(({ offsetBytes }) => offsetBytes).toSorted((a, b) => a - b),
    );
    for (const at of places)
      expect(
        damage.some(({ offsetBytes, lengthBytes }) => at >= offsetBytes && at < offsetBytes + lengthBytes),
      ).toBe(true);
  },
);

test('a last chunk that is short, and a file that is cut, are told alike by threads', async () => {
  const path = await image(false);
  const whole = await readFile(path);
  await writeFile(path, Buffer.concat([whole, Buffer.from('more')]));
  expect(await reportOf(path)).toMatchObject({ ok: false, damageCount: 1 });
  await writeFile(path, whole.subarray(0, whole.length - block));
  for (const workers of [0, 2]) await expect(verifyFfu(path, { workers })).rejects.toThrow('truncated');
});

test('a file of which a thread cannot read all ends the verification, and leaves no thread', async () => {
  const path = await image(false);
  const reader = await openRaw(path);
  // Cut after it was opened: what each thread believes of its length no longer holds.
  const cut = await open(path, 'r+');
  const verifying = verifyFfu(reader, {
    workers: 2,
    onProgress: () => undefined,
  });
  await cut.truncate(mib);
  await cut.close();
  await expect(verifying).rejects.toThrow(ImageBoundsError);
  await reader.close();
  expect(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort')).toEqual([]);
});

test('progress reaches the end, and a signal that fires meanwhile ends it', async () => {
  const path = await image(true);
  const seen: number[] = [];
  await verifyFfu(path, { workers: 2, onProgress: (done) => seen.push(done) });
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe((await readFile(path)).length);
  const controller = new AbortController();
  const reason = new Error('enough');
  await expect(
    verifyFfu(path, {
      workers: 2,
      signal: controller.signal,
      onProgress: () => {
        controller.abort(reason);
      },
    }),
  ).rejects.toBe(reason);
});

test('a thread of the real file does the work, and nobody in its place', async () => {
  const path = await image(false);
  const { fd, close, size } = await opened(path);
  const data: CheckWorkerData = { descriptor: fd, sizeBytes: size };
  const file = new URL('../../src/ffu/check-worker.ts', import.meta.url);
  const pool = createThreadPool<Stretch, FfuDamage[]>({ threads: 2, file, purpose: 'test', data });
  const bytes = (await readFile(path)).subarray(0, mib);
  const digests = createHash('sha256').update(bytes).digest();
  const place = { kind: 'chunks', offsetBytes: 0, lengthBytes: mib, chunkBytes: mib } as const;
  expect(await pool.run({ ...place, firstDigest: 7, digests })).toEqual([]);
  expect(await pool.run({ ...place, firstDigest: 7, digests: Buffer.alloc(32) })).toHaveLength(1);
  await pool.close();
  await close();
});

test('a thread that ends by itself fails what waits for it', async () => {
  const folder = await tempFolder();
  const file = join(folder, 'ends.mjs');
  await writeFile(
    file,
    "import { parentPort } from 'node:worker_threads'; parentPort.once('message', () => process.exit(0));",
  );
  const pool = createThreadPool<string, string>({
    threads: 1,
    file: new URL(`file://${file}`),
    purpose: 'test',
  });
  await expect(pool.run('task')).rejects.toMatchObject({
    code: 'DISK_IMAGE_FFU_WORKER',
    message: 'a thread to test ended; pass workers: 0 to test without threads',
  });
  await pool.close();
});

test('where no thread can be started, all is checked without', async () => {
  const path = await image(false);
  const bytes = await readFile(path);
  const reader = await openRaw(path);
  const pool = createCheckPool(reader, 2, { file: new URL(`file://${path}.missing.js`) });
  const digest = createHash('sha256').update(bytes.subarray(0, mib)).digest();
  const stretch = {
    kind: 'chunks',
    offsetBytes: 0,
    lengthBytes: mib,
    chunkBytes: mib,
    firstDigest: 7,
    digests: digest,
  } as const;
  expect(await pool.check(stretch)).toEqual([]);
  expect(await pool.check({ ...stretch, digests: Buffer.alloc(32) })).toEqual([
    { digestIndex: 7, offsetBytes: 0, lengthBytes: mib, reason: undefined },
  ]);
  await pool.close();
  await reader.close();
});
