import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { flashImage, probeCapacity, startFlash } from '@osforge/flasher';
import {
  faultyDisk,
  image,
  loopDevice,
  mebibyte,
  scratch,
  selected,
  sha256,
  sha256File,
  tmpfs,
  tool,
} from './scratch.ts';

const size = 48 * mebibyte;

test('as root: a device that fails at an offset says where, and the other target completes', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const disk = await faultyDisk(size, { eioAt: 20 * mebibyte + 5 });
  const device = loopDevice(disk.path, '--direct-io=on');
  const good = join(folder, 'good.raw');
  const [bad, other] = await flashImage({
    source: { path: source },
    targets: [await selected(device), await selected(good)],
  });
  expect(bad).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_TARGET_IO', fields: { path: device, errno: 'EIO', offsetBytes: 20 * mebibyte } },
  });
  expect(other).toMatchObject({ ok: true });
  expect(sha256File(good)).toBe(sha256File(source));
});

test('as root: a range that is stored wrong once is written again', async () => {
  const source = image(scratch(), size, 1);
  const disk = await faultyDisk(size, { flipAt: 17 * mebibyte + 3, flipTimes: 1 });
  const device = loopDevice(disk.path, '--direct-io=on');
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(device)] });
  expect(result).toMatchObject({ ok: true, receipt: { verification: { rewrittenRanges: [1] } } });
  expect(sha256File(device)).toBe(sha256File(source));
});

test('as root: a byte that is always stored wrong fails the target with its offset', async () => {
  const source = image(scratch(), size, 1);
  const disk = await faultyDisk(size, { flipAt: 17 * mebibyte + 3 });
  const device = loopDevice(disk.path, '--direct-io=on');
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(device)] });
  expect(result).toMatchObject({
    ok: false,
    error: {
      code: 'FLASHER_VERIFY',
      fields: {
        offsetBytes: 17 * mebibyte + 3,
        rangeStartBytes: 16 * mebibyte,
        rangeLengthBytes: 16 * mebibyte,
      },
    },
  });
});

test('as root: a bad byte in the first range, which is completed last, is found too', async () => {
  const source = image(scratch(), size, 1);
  const disk = await faultyDisk(size, { flipAt: 100 });
  const device = loopDevice(disk.path, '--direct-io=on');
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(device)] });
  expect(result).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_VERIFY', fields: { offsetBytes: 100 } },
  });
});

test.each([
  ['drops what is beyond its memory', { realBytes: 20 * mebibyte, drop: true }],
  ['comes round to its beginning', { realBytes: 32 * mebibyte }],
  ['comes round at an odd place', { realBytes: 20 * mebibyte + 4096 }],
])('as root: a device that lies about its capacity and %s is found out by the flash', async (_, faults) => {
  const source = image(scratch(), size, 1);
  const disk = await faultyDisk(size, faults);
  const device = loopDevice(disk.path, '--direct-io=on');
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(device)] });
  expect(result).toMatchObject({ ok: false, error: { code: 'FLASHER_VERIFY' } });
});

test.each([
  ['drops what is beyond its memory', { realBytes: 20 * mebibyte, drop: true }, 32 * mebibyte],
  ['comes round at a power of two', { realBytes: 16 * mebibyte }, 16 * mebibyte],
])('as root: the probe finds a device that %s', async (_, faults, badAtBytes) => {
  const disk = await faultyDisk(size, faults);
  const device = loopDevice(disk.path, '--direct-io=on');
  await expect(probeCapacity(await selected(device))).rejects.toMatchObject({
    code: 'FLASHER_CAPACITY',
    fields: { path: device, claimedBytes: size, badAtBytes },
  });
});

test('as root: the probe leaves a good device as it was', async () => {
  const source = image(scratch(), size, 1);
  const before = sha256File(source);
  const device = loopDevice(source);
  const report = await probeCapacity(await selected(device));
  expect(report.claimedBytes).toBe(size);
  expect(report.offsets).toEqual([0, 1, 2, 4, 8, 16, 32].map((at) => at * mebibyte).concat(size - 65_536));
  expect(sha256File(device)).toBe(before);
});

test('as root: a target that vanishes while it is written fails alone, and says so', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const disk = await faultyDisk(size, { delayMs: 1 });
  const flash = await startFlash({ source: { path: source } });
  const good = join(folder, 'good.raw');
  const results = [flash.add(await selected(disk.path), 'gone'), flash.add(await selected(good), 'good')];
  await new Promise<void>((resolve) => {
    const subscription = flash.progress$.subscribe(({ id, doneBytes }) => {
      if (id !== 'gone' || doneBytes < 4 * mebibyte) return;
      subscription.unsubscribe();
      void disk.vanish().then(resolve);
    });
  });
  const [gone, other] = await Promise.all(results);
  await flash.close();
  expect(gone).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_TARGET_VANISHED', fields: { path: disk.path } },
  });
  expect(other).toMatchObject({ ok: true });
});

test('as root: a file system that fills up', async () => {
  const source = image(scratch(), size, 1);
  const target = join(tmpfs(16 * mebibyte), 'target.raw');
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(target)] });
  expect(result).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_TARGET_FULL', fields: { path: target } },
  });
});

test('as root: a device that is found too small only while it is written (no size in the compressed image)', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  tool('gzip', '-1', source);
  const backing = join(folder, 'small');
  tool('truncate', '--size', String(20 * mebibyte), backing);
  const device = loopDevice(backing);
  const [result] = await flashImage({ source: { path: `${source}.gz` }, targets: [await selected(device)] });
  expect(result).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_TARGET_FULL', fields: { offsetBytes: 20 * mebibyte } },
  });
});

test('as root: a device that hangs is given up at the deadline, and the other target completes', async () => {
  const folder = scratch();
  const source = image(folder, size, 1);
  const disk = await faultyDisk(size, { delayMs: 8000 });
  // In memory: a busy machine's disk may take longer to flush than the deadline.
  const good = join(tmpfs(size + 16 * mebibyte), 'good.raw');
  const [hung, other] = await flashImage({
    source: { path: source },
    targets: [await selected(disk.path), await selected(good)],
    ioTimeoutMs: 5000,
  });
  expect(hung).toMatchObject({ ok: false, error: { code: 'FLASHER_TIMEOUT' } });
  expect(other).toMatchObject({ ok: true });
});

test('as root: nothing of the old content is left where the image has zeros, on a device without discard', async () => {
  const folder = scratch();
  const source = image(folder, 24 * mebibyte, 5);
  // FUSE has no fallocate here, so the loop device over it cannot discard.
  const disk = await faultyDisk(24 * mebibyte, {});
  const device = loopDevice(disk.path, '--direct-io=on');
  tool(
    'sh',
    '-c',
    `tr '\\0' x </dev/zero | head -c ${24 * mebibyte} | dd of=${device} bs=1M iflag=fullblock status=none`,
  );
  const [result] = await flashImage({ source: { path: source }, targets: [await selected(device)] });
  expect(result).toMatchObject({ ok: true });
  expect(sha256(readFileSync(device))).toBe(sha256File(source));
});
