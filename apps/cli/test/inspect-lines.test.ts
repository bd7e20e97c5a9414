import type { ImageReport } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { inspectLines } from '../src/commands/inspect-lines.ts';

const report: ImageReport = {
  path: 'disks.ffu',
  format: 'ffu',
  fileBytes: 32_768,
  allocatedBytes: 32_768,
  virtualBytes: 16_384,
  usedBytes: 4096,
  sectorSize: { bytes: 512, told: 'FFU manifest' },
  table: { kind: 'none' },
  partitions: [],
};

test('the disks of an FFU with several are listed, without what would reach the terminal', () => {
  const stores = [
    { number: 1, devicePath: 'VenHw(one)', sizeBytes: 16_384, sectorSize: 512, storedBytes: 4096 },
    { number: 2, devicePath: 'VenHw(\u001b[31mtwo)\u0000', sizeBytes: 2_097_152, storedBytes: 0 },
  ];
  const lines = inspectLines({ ...report, stores, disk: 2 });
  expect(lines).toContain('disks    2, listed at the end; what follows is about disk 2');
  expect(lines.slice(-4)).toEqual([
    '',
    'DISK  SIZE      SECTORS    STORED   DEVICE PATH',
    '1     16.0 KiB  512 bytes  4.0 KiB  VenHw(one)',
    '2     2.0 MiB   not told   0 B      VenHw(two)',
  ]);
});

test('of one disk nothing is said twice', () => {
  expect(inspectLines(report).join('\n')).not.toMatch(/^disks|DEVICE PATH/m);
});
