import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flashImage, type FlashResult } from '@osforge/flasher';
import { Journal } from '../src/journal/journal.ts';
import { flashWhenFree, killFlash } from './kill-flash.ts';
import { faultyDisk, image, loopDevice, mebibyte, scratch, selected, sha256File, tool } from './scratch.ts';

const size = 64 * mebibyte;

test('as root: a second run resumes after the ranges that are there, and reads them before it believes so', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const journalFolder = join(folder, 'journals');
  const disk = await faultyDisk(size, { eioAt: 50 * mebibyte });
  const device = loopDevice(disk.path, '--direct-io=on');
  const run = async (): Promise<FlashResult | undefined> =>
    (await flashImage({ source: { path: source }, targets: [await selected(device)], journalFolder }))[0];

  expect(await run()).toMatchObject({ ok: false, error: { code: 'FLASHER_TARGET_IO' } });
  expect(readdirSync(journalFolder)).toHaveLength(1);
  disk.control({});
  expect(await run()).toMatchObject({ ok: true, receipt: { verification: { resumedRanges: [1] } } });
  expect(sha256File(device)).toBe(sha256File(source));
  expect(readdirSync(journalFolder)).toEqual([]);
});

test('as root: what changed on the target after the journal is written again', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const journalFolder = join(folder, 'journals');
  const disk = await faultyDisk(size, { eioAt: 60 * mebibyte });
  const device = loopDevice(disk.path, '--direct-io=on');
  const run = async (): Promise<FlashResult | undefined> =>
    (await flashImage({ source: { path: source }, targets: [await selected(device)], journalFolder }))[0];
  await run();
  disk.control({});
  tool(
    'dd',
    'if=/dev/urandom',
    `of=${device}`,
    'bs=4096',
    'count=1',
    'seek=5000',
    'oflag=direct',
    'status=none',
  );
  expect(await run()).toMatchObject({ ok: true, receipt: { verification: { resumedRanges: [] } } });
  expect(sha256File(device)).toBe(sha256File(source));
});

test('a torn journal, and one of another size of ranges, are worth nothing and harm nothing', async () => {
  const folder = scratch();
  const journal = await Journal.open(folder, 'key', 4096);
  await journal.record(1, 'a'.repeat(64));
  await journal.record(2, 'b'.repeat(64));
  await journal.close();
  const [name = ''] = readdirSync(folder);
  tool('truncate', '--size=-10', join(folder, name));
  expect([...(await Journal.open(folder, 'key', 4096)).known.keys()]).toEqual([1]);
  expect((await Journal.open(folder, 'key', 8192)).known.size).toBe(0);
  expect((await Journal.open(folder, 'other', 4096)).known.size).toBe(0);
});

test('a journal has all lines that were recorded at once, and loses none to one that comes after its close', async () => {
  const folder = scratch();
  const journal = await Journal.open(folder, 'key', 4096);
  const ranges = [1, 2, 3, 4, 5, 6, 7, 8];
  await Promise.all(ranges.map((range) => journal.record(range, String(range).repeat(64))));
  await journal.close();
  // A check that was under way when its target failed.
  await journal.record(9, '9'.repeat(64));
  expect([...(await Journal.open(folder, 'key', 4096)).known.keys()]).toEqual(ranges);
});

test('a journal keeps what earlier runs left until it is found wrong, and a torn line spoils no other', async () => {
  const folder = scratch();
  const digest = (range: number): string => String(range).repeat(64);
  const first = await Journal.open(folder, 'key', 4096);
  for (const range of [1, 2, 3, 4]) await first.record(range, digest(range));
  await first.close();
  const [name = ''] = readdirSync(folder);
  tool('truncate', '--size=-10', join(folder, name));

  const second = await Journal.open(folder, 'key', 4096);
  await second.record(1, digest(1));
  await second.record(5, digest(5));
  // Not closed so far, as after a SIGKILL.
  expect([...(await Journal.open(folder, 'key', 4096)).known.keys()]).toEqual([1, 2, 3, 5]);

  second.forgetFrom(3);
  await second.record(3, digest(9));
  await second.record(4, digest(4));
  await second.close();
  expect([...(await Journal.open(folder, 'key', 4096)).known]).toEqual([
    [1, digest(1)],
    [2, digest(2)],
    [3, digest(9)],
    [4, digest(4)],
  ]);
});

test('as root: after SIGKILL nothing goes on writing, and the next run completes', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const journalFolder = join(folder, 'journals');
  const disk = await faultyDisk(size, { delayMs: 2 });
  const device = loopDevice(disk.path, '--direct-io=on');
  const job = { source, target: await selected(device), journalFolder };
  await killFlash(job, 36 * mebibyte);
  disk.control({});
  const result = await flashWhenFree(job);
  expect(result).toMatchObject({ ok: true });
  if (result.ok) expect(result.receipt.verification.resumedRanges).toContain(1);
  expect(sha256File(device)).toBe(sha256File(source));
});
