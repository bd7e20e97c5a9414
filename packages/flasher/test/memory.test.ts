import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flashImage } from '@osforge/flasher';
import { image, loopDevice, mebibyte, scratch, selected, tool } from './scratch.ts';

/** The most that the flash process of this one had in memory so far, in MiB. */
function peakOfEngine(): number {
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      if (!new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status)) continue;
      if (!readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('engine-process')) continue;
      return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      // it ended meanwhile
    }
  }
  return 0;
}

test('as root: sixteen targets of a compressed image take less than 200 MiB', async () => {
  const folder = scratch();
  const raw = image(folder, 96 * mebibyte, 2);
  tool('zstd', '-q', '-1', raw);
  const devices = Array.from({ length: 16 }, (_, index) => {
    const file = join(folder, String(index));
    tool('truncate', `--size=${96 * mebibyte}`, file);
    return loopDevice(file);
  });
  let peak = 0;
  const results = await flashImage({
    source: { path: `${raw}.zst` },
    targets: await Promise.all(devices.map(selected)),
    onProgress: () => {
      peak = Math.max(peak, peakOfEngine());
    },
  });
  expect(results.map(({ ok }) => ok)).not.toContain(false);
  expect(peak).toBeGreaterThan(30);
  expect(peak).toBeLessThan(200);
});
