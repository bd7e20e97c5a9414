import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flashImage, startFlash, type TargetProgress } from '@osforge/flasher';
import {
  image,
  loopDevice,
  mebibyte,
  oldDisk,
  scratch,
  selected,
  sha256,
  sha256File,
  tool,
} from './scratch.ts';

/** What is written last; the default of `chunkBytes`. */
const firstChunk = 512 * 1024;
const head = (path: string, bytes: number): Buffer => readFileSync(path).subarray(0, bytes);

test('as root: a new file, an old file and a loop device get the image, zeros included, and nothing beyond it', async () => {
  const folder = scratch();
  const size = 40 * mebibyte + 512;
  const source = image(folder, size);
  const oldFile = oldDisk(join(folder, 'old.raw'), 48 * mebibyte);
  const backing = oldDisk(join(folder, 'backing.raw'), 48 * mebibyte);
  const device = loopDevice(backing);
  const targets = await Promise.all([join(folder, 'new.raw'), oldFile, device].map(selected));
  const progress: TargetProgress[] = [];

  const results = await flashImage({
    source: { path: source },
    targets,
    onProgress: (one) => progress.push(one),
  });

  expect(results.map((result) => (result.ok ? 'complete' : result.error))).toEqual(Array(3).fill('complete'));
  const expected = sha256File(source);
  expect(sha256File(join(folder, 'new.raw'))).toBe(expected);
  for (const path of [oldFile, device]) {
    expect(sha256(head(path, size))).toBe(expected);
    const beyond = Buffer.alloc(48 * mebibyte, 'old content ').subarray(size + 512);
    expect(
      readFileSync(path)
        .subarray(size + 512)
        .equals(beyond),
    ).toBe(true);
  }
  for (const result of results) {
    if (!result.ok) throw result.error;
    const { receipt } = result;
    expect(receipt.image).toEqual({ path: source, format: 'raw', sizeBytes: size, sha256: expected });
    expect(receipt.verification.rangeSha256).toEqual(
      [0, 16, 32].map((at) => sha256(readFileSync(source).subarray(at * mebibyte, (at + 16) * mebibyte))),
    );
    expect(receipt.verification.rewrittenRanges).toEqual([]);
    const own = progress.filter(({ id }) => id === result.id);
    expect(own.at(-1)).toMatchObject({
      state: 'done',
      doneBytes: size,
      verifiedBytes: size,
      totalBytes: size,
    });
    expect(own.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['opening', 'writing', 'finishing', 'done']),
    );
  }
  // Of a new file only the data is written.
  const [created, , looped] = results;
  if (created?.ok === true) expect(created.receipt.wroteBytes).toBeLessThan(0.8 * size);
  // A loop device over a file answers from the computer's memory, and the receipt must not claim more.
  if (looped?.ok === true) expect(looped.receipt.verification.readBack).toBe('memory');
});

test('as root: a loop device with direct I/O is read back directly', async () => {
  const folder = scratch();
  const source = image(folder, 8 * mebibyte);
  const device = loopDevice(oldDisk(join(folder, 'backing.raw'), 8 * mebibyte), '--direct-io=on');
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(device)] });
  expect(result).toMatchObject({ ok: true, receipt: { verification: { readBack: 'direct' } } });
  expect(sha256File(device)).toBe(sha256File(source));
});

test('a target that joins late, and one that is cancelled, leave the others alone', async () => {
  const folder = scratch();
  const source = image(folder, 64 * mebibyte, 1);
  const flash = await startFlash({ source: { path: source } });
  const cancelled = flash.add(await selected(join(folder, 'a.raw')), 'a');
  const first = flash.add(await selected(join(folder, 'b.raw')), 'b');
  const halfway = new Promise<void>((resolve) => {
    const subscription = flash.progress$.subscribe(({ id, doneBytes }) => {
      if (id !== 'b' || doneBytes < 8 * mebibyte) return;
      subscription.unsubscribe();
      resolve();
    });
  });
  await halfway;
  flash.cancel('a');
  const late = flash.add(await selected(join(folder, 'c.raw')), 'c');
  expect(await first).toMatchObject({ ok: true, id: 'b' });
  expect(await late).toMatchObject({ ok: true, id: 'c' });
  expect(await cancelled).toMatchObject({ ok: false, id: 'a', error: { code: 'FLASHER_CANCELLED' } });
  await flash.close();
  expect(sha256File(join(folder, 'b.raw'))).toBe(sha256File(source));
  expect(sha256File(join(folder, 'c.raw'))).toBe(sha256File(source));
});

test('an aborted signal ends all targets, and the same call completes them afterwards', async () => {
  const folder = scratch();
  const source = image(folder, 48 * mebibyte, 1);
  const paths = ['a.raw', 'b.raw'].map((name) => join(folder, name));
  const abort = new AbortController();
  const results = await flashImage({
    source: { path: source },
    targets: await Promise.all(paths.map(selected)),
    signal: abort.signal,
    // Told at once, and not some time later as the bytes are: a file can be complete before that.
    onProgress: ({ state }) => {
      if (state === 'writing') abort.abort();
    },
  });
  for (const result of results)
    expect(result).toMatchObject({ ok: false, error: { code: 'FLASHER_CANCELLED' } });
  const again = await flashImage({
    source: { path: source },
    targets: await Promise.all(paths.map(selected)),
  });
  expect(again.every(({ ok }) => ok)).toBe(true);
  for (const path of paths) expect(sha256File(path)).toBe(sha256File(source));
});

test('an unfinished target has no beginning, so that nothing starts from it', async () => {
  const folder = scratch();
  const source = image(folder, 48 * mebibyte, 1);
  const target = oldDisk(join(folder, 'old.raw'), 48 * mebibyte);
  const abort = new AbortController();
  const [result] = await flashImage({
    source: { path: source },
    targets: [await selected(target)],
    signal: abort.signal,
    onProgress: ({ doneBytes }) => {
      if (doneBytes > 20 * mebibyte) abort.abort();
    },
  });
  expect(result?.ok).toBe(false);
  expect(head(target, firstChunk).equals(Buffer.alloc(firstChunk))).toBe(true);
  const [from, to] = [8 * mebibyte, 9 * mebibyte];
  expect(readFileSync(target).subarray(from, to).equals(readFileSync(source).subarray(from, to))).toBe(true);
});

test('an image of another digest is not completed', async () => {
  const folder = scratch();
  const source = image(folder, 4 * mebibyte);
  const [result] = await flashImage({
    source: { path: source, sha256: '0'.repeat(64) },
    targets: [await selected(join(folder, 'a.raw'))],
  });
  expect(result).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_SOURCE', fields: { reason: 'changed' } },
  });
  expect(head(join(folder, 'a.raw'), firstChunk).equals(Buffer.alloc(firstChunk))).toBe(true);
});

test.each([
  ['missing.raw', 'FLASHER_SOURCE', 'missing'],
  ['cut.zst', 'FLASHER_SOURCE', 'damaged'],
])('an image that cannot be read (%s) is said', async (name, code, reason) => {
  const folder = scratch();
  if (name === 'cut.zst') {
    const whole = image(folder, 8 * mebibyte, 1);
    tool('zstd', '-q', whole, '-o', join(folder, 'whole.zst'));
    writeFileSync(join(folder, name), head(join(folder, 'whole.zst'), 3 * mebibyte));
  }
  const flashing = flashImage({
    source: { path: join(folder, name) },
    targets: [await selected(join(folder, 'a.raw'))],
  });
  if (name === 'cut.zst') {
    expect(await flashing).toMatchObject([{ ok: false, error: { code, fields: { reason } } }]);
  } else await expect(flashing).rejects.toMatchObject({ code, fields: { reason } });
});

test.each([
  [{ chunkBytes: 1000 }, 'chunkBytes'],
  [{ rangeBytes: 1_500_000 }, 'rangeBytes'],
  [{ windowBytes: 1 }, 'windowBytes'],
])('refuses sizes that make no sense: %o', async (sizes, option) => {
  await expect(startFlash({ source: { path: '/dev/null' }, ...sizes })).rejects.toMatchObject({
    code: 'FLASHER_OPTION',
    fields: { option },
  });
});
