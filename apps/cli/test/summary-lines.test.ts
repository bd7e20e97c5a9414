import type { BuildResult } from '@osforge/image-builder';
import { expect, test } from 'vitest';
import { summaryLines } from '../src/view/summary-lines.ts';

test('files of a subfolder have their path, and the parts of a payload are one line', () => {
  const artifact = (path: string, sizeBytes: number) => ({ name: path, path, sizeBytes, sha256: '' });
  const result: BuildResult = {
    outcome: 'completed',
    buildId: 'web',
    directory: '/home/me/out/web',
    artifacts: [
      artifact('manifest.json', 1024),
      artifact('media/pxe/linux', 2048),
      artifact('media/pxe/payload/0000.zst', 1024),
      artifact('media/pxe/payload/0001.zst', 3072),
      artifact('media/SHA256SUMS', 512),
    ],
    durationMs: 1000,
    ran: ['media'],
    reused: [],
    skipped: [],
  };
  expect(
    summaryLines(result, { cwd: '/home/me' })
      .slice(2)
      .map((line) => line.trimEnd()),
  ).toEqual([
    expect.stringMatching(/^ {2}out\/web\/manifest\.json +1\.0+ KiB$/),
    expect.stringMatching(/^ {2}out\/web\/media\/pxe\/linux +2\.0+ KiB$/),
    expect.stringMatching(/^ {2}out\/web\/media\/pxe\/payload\/ \(2 files\) +4\.0+ KiB$/),
    expect.stringMatching(/^ {2}out\/web\/media\/SHA256SUMS +512 B$/),
  ]);
});
