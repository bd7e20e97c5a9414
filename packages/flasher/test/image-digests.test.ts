import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BufferPool } from '@osforge/perf/pools';
import { expect, test } from 'vitest';
import { ImageDigests } from '../src/engine/image-digests.ts';
import { SharedWindow } from '../src/engine/shared-window.ts';
import { openSource } from '../src/source/open-source.ts';
import { scratch, sha256 } from './scratch.ts';

const layout = { chunkBytes: 8192, rangeBytes: 32_768 };

/** Chunks of random bytes (x) and of zeros (0), the last one of `lastBytes`. */
function makeChunks(pattern: string, lastBytes = layout.chunkBytes): { bytes: Buffer; zero: boolean }[] {
  const pool = new BufferPool({ sizeBytes: layout.chunkBytes, count: pattern.length, shared: true });
  return Array.from(pattern).map((kind, index) => {
    const buffer = pool.tryAcquire() ?? Buffer.alloc(0);
    const bytes = buffer.subarray(0, index === pattern.length - 1 ? lastBytes : buffer.length);
    if (kind === 'x') randomBytes(bytes.length).copy(bytes);
    return { bytes, zero: kind === '0' };
  });
}

test.each([
  ['xxxx', 8192],
  ['x0x00x000000', 8192],
  ['0000000000x', 100],
  ['00000000', 5000],
  ['x', 1],
])(
  'of %s with %i bytes in the last chunk: those of the ranges and of the whole',
  async (pattern, lastBytes) => {
    const chunks = makeChunks(pattern, lastBytes);
    const digests = new ImageDigests(layout, true);
    try {
      const third = digests.range(2);
      const hashed: number[] = [];
      for (const [index, { bytes, zero }] of chunks.entries())
        digests.add({ index, lengthBytes: bytes.length, zero }, bytes, () => hashed.push(index));
      await digests.end();

      const whole = Buffer.concat(chunks.map(({ bytes }) => bytes));
      const ranges = Array.from({ length: Math.ceil(whole.length / layout.rangeBytes) }, (_, range) =>
        sha256(whole.subarray(range * layout.rangeBytes, (range + 1) * layout.rangeBytes)),
      );
      expect(digests.ranges).toEqual(ranges);
      expect(digests.whole).toBe(sha256(whole));
      expect(digests.sizeBytes).toBe(whole.length);
      expect(hashed).toEqual([...chunks.keys()]);
      expect(await third).toBe(ranges[2]);
      expect(await digests.range(ranges.length)).toBeUndefined();
      expect(digests.pending).toBe(0);
    } finally {
      await digests.close();
    }
  },
);

test('a thread that dies gives the memory back, and whoever waits gets the error', async () => {
  const file = join(scratch(), 'broken.mjs');
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', () => { throw new Error('no more memory'); });`,
  );
  const digests = new ImageDigests(layout, true, pathToFileURL(file));
  try {
    const waiting = digests.range(0);
    let released = 0;
    for (const [index, { bytes }] of makeChunks('xx').entries())
      digests.add({ index, lengthBytes: bytes.length, zero: false }, bytes, () => (released += 1));
    await expect(waiting).rejects.toMatchObject({
      code: 'FLASHER_ENGINE',
      cause: { message: 'no more memory' },
    });
    await expect(digests.end()).rejects.toMatchObject({ code: 'FLASHER_ENGINE' });
    expect(released).toBe(2);
    digests.add({ index: 2, lengthBytes: 1, zero: true }, Buffer.alloc(1), () => (released += 1));
    expect(released).toBe(3);
  } finally {
    await digests.close();
  }
});

test('where the thread dies at the end of the image, the window ends with that error and does not wait', async () => {
  const file = join(scratch(), 'broken.mjs');
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', (request) => {
       if (request === 'end') throw new Error('no more memory');
       parentPort.postMessage({ hashed: request.index, digests: [] });
     });`,
  );
  const digests = new ImageDigests(layout, true, pathToFileURL(file));
  const sizeBytes = 3 * layout.chunkBytes;
  const path = join(scratch(), 'image.raw');
  writeFileSync(path, randomBytes(sizeBytes));
  const source = await openSource({ path });
  const { signal } = new AbortController();
  const window = new SharedWindow({
    source,
    layout,
    pool: new BufferPool({ sizeBytes: layout.chunkBytes, count: 8, shared: true }),
    slots: 8,
    zeros: Buffer.alloc(layout.chunkBytes),
    digests,
    patienceMs: 50,
    readTimeoutMs: 60_000,
    signal,
    now: () => performance.now(),
  });
  try {
    const member = window.join();
    for (let index = 0; index < 3; index += 1) {
      const lease = await window.take(member, index, signal);
      if (typeof lease !== 'string') lease.release();
    }
    await window.closed();
    expect(digests.failure).toMatchObject({ code: 'FLASHER_ENGINE' });
    await expect(digests.range(0)).rejects.toMatchObject({ code: 'FLASHER_ENGINE' });
  } finally {
    await digests.close();
    await source.close();
  }
});
