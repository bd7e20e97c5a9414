import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FlashResult } from '@osforge/flasher';
import { flashWhenFree, killFlash, type Job } from './kill-flash.ts';
import {
  faultyDisk,
  image,
  loopDevice,
  mebibyte,
  scratch,
  selected,
  sha256File,
  tool,
  type FaultyDisk,
} from './scratch.ts';

const size = 64 * mebibyte;
const rangeBytes = 2 * mebibyte;
/** Of the 25 that are written before the first run is cut: the last was perhaps not read back. */
const left = Array.from({ length: 23 }, (_, index) => index + 1);

interface Cut {
  readonly disk: FaultyDisk;
  readonly device: string;
  readonly source: string;
  readonly job: Job;
}

/** A flash that was cut late, and then, while it looked at what was there, early. */
async function cutTwice(): Promise<Cut> {
  const folder = scratch();
  const source = image(folder, size, 1);
  const disk = await faultyDisk(size, { eioAt: 50 * mebibyte });
  const device = loopDevice(disk.path, '--direct-io=on');
  const job: Job = {
    source,
    target: await selected(device),
    journalFolder: join(folder, 'journals'),
    rangeBytes,
  };
  const failed = { ok: false, error: { code: 'FLASHER_TARGET_IO' } };
  expect(await flashWhenFree(job)).toMatchObject(failed);
  disk.control({ eioAt: 10 * mebibyte });
  expect(await flashWhenFree(job)).toMatchObject(failed);
  return { disk, device, source, job };
}

const resumed = (result: FlashResult): readonly number[] =>
  result.ok ? result.receipt.verification.resumedRanges : [];

test('as root: a second run that fails early forgets nothing of what the first had done', async () => {
  const { disk, device, source, job } = await cutTwice();
  disk.control({});
  const result = await flashWhenFree(job);
  expect(result).toMatchObject({ ok: true });
  expect(resumed(result)).toEqual(expect.arrayContaining(left));
  expect(sha256File(device)).toBe(sha256File(source));
});

test('as root: neither does one that is killed early', async () => {
  const { disk, device, source, job } = await cutTwice();
  // It cannot come to its end before the signal comes.
  disk.control({ eioAt: 50 * mebibyte });
  await killFlash(job, 3 * rangeBytes);
  disk.control({});
  const result = await flashWhenFree(job);
  expect(result).toMatchObject({ ok: true });
  expect(resumed(result)).toEqual(expect.arrayContaining(left));
  expect(sha256File(device)).toBe(sha256File(source));
});

test('as root: what only the first run looked at is read before it is believed', async () => {
  const { disk, device, source, job } = await cutTwice();
  disk.control({});
  const seek = String((15 * rangeBytes) / 4096);
  tool('dd', 'if=/dev/urandom', `of=${device}`, 'bs=4096', 'count=1', `seek=${seek}`, 'oflag=direct');
  const result = await flashWhenFree(job);
  expect(result).toMatchObject({ ok: true });
  expect(resumed(result)).toEqual(left.slice(0, 14));
  expect(sha256File(device)).toBe(sha256File(source));
});
