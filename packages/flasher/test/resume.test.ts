import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { flashImage, isTransientFlasherError, type FlashResult, type TargetIdentity } from '@osforge/flasher';
import { Journal } from '../src/journal/journal.ts';
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
  const { journal } = await Journal.open(folder, 'key', 4096);
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
  const { journal } = await Journal.open(folder, 'key', 4096);
  const ranges = [1, 2, 3, 4, 5, 6, 7, 8];
  await Promise.all(ranges.map((range) => journal.record(range, String(range).repeat(64))));
  await journal.close();
  // A check that was under way when its target failed.
  await journal.record(9, '9'.repeat(64));
  expect([...(await Journal.open(folder, 'key', 4096)).known.keys()]).toEqual(ranges);
});

test('as root: after SIGKILL nothing goes on writing, and the next run completes', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const journalFolder = join(folder, 'journals');
  const disk = await faultyDisk(size, { delayMs: 2 });
  const device = loopDevice(disk.path, '--direct-io=on');
  const target = await selected(device);
  const child = spawn(
    process.execPath,
    [
      '--conditions=@osforge/source',
      join(import.meta.dirname, 'killed-flash.ts'),
      JSON.stringify({ source, target, journalFolder }),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (Number(line) < 36 * mebibyte) continue;
    child.kill('SIGKILL');
    break;
  }
  await exited;
  disk.control({});
  const result = await whenFree(target, source, journalFolder);
  expect(result).toMatchObject({ ok: true });
  if (result.ok) expect(result.receipt.verification.resumedRanges).toContain(1);
  expect(sha256File(device)).toBe(sha256File(source));
});

/** The kernel kills the process that wrote at the death of its parent; until its descriptor is closed the device is busy. */
async function whenFree(target: TargetIdentity, source: string, journalFolder: string): Promise<FlashResult> {
  for (let attempt = 0; ; attempt += 1) {
    const [result] = await flashImage({ source: { path: source }, targets: [target], journalFolder });
    if (result === undefined) throw new Error('one target, one result');
    if (result.ok || !isTransientFlasherError(result.error) || attempt === 20) return result;
  }
}
