import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createSparseFile, partitionTypes, planGpt, rawContentDigest, writeGpt } from '@osforge/disk-image';
import { expect, onTestFinished, test } from 'vitest';
import { captureRawZst } from '../../src/capture/raw-zst.ts';

const execute = promisify(execFile);
const mib = 1024 * 1024;
const signal = new AbortController().signal;

async function makeDisk(): Promise<{ folder: string; raw: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'osforge-raw-zst-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const raw = path.join(folder, 'disk');
  const layout = planGpt({
    sectorSize: 512,
    diskSizeBytes: 24 * mib,
    diskGuid: '11111111-2222-4333-8444-555555555555',
    partitions: [
      {
        name: 'data',
        typeGuid: partitionTypes.linuxData,
        guid: 'aaaaaaaa-2222-4333-8444-555555555555',
        sizeBytes: 16 * mib,
      },
    ],
  });
  await createSparseFile(raw, layout.diskSizeBytes);
  await writeGpt(raw, layout);
  const file = await open(raw, 'r+');
  await file.write(Buffer.alloc(300_000, 'data'), 0, 300_000, 5 * mib + 1000);
  await file.close();
  return { folder, raw };
}

test('one pass gives the image, the digest of the disk and a map by which bmaptool copies', async () => {
  const { folder, raw } = await makeDisk();
  const fractions: number[] = [];
  const found = await captureRawZst({
    raw,
    folder,
    name: 'demo',
    signal,
    onProgress: (fraction) => fractions.push(fraction),
  });
  expect(found.files.map(({ name }) => name)).toEqual(['demo.raw.zst', 'demo.raw.bmap']);
  expect(found.contentSha256).toBe(await rawContentDigest(raw));
  expect(fractions.at(-1)).toBe(1);
  for (const { path: file, sha256, sizeBytes } of found.files) {
    expect((await execute('sha256sum', [file])).stdout.slice(0, 64)).toBe(sha256);
    expect((await stat(file)).size).toBe(sizeBytes);
  }
  const expanded = path.join(folder, 'expanded');
  await execute('zstd', ['-q', '-d', path.join(folder, 'demo.raw.zst'), '-o', expanded]);
  expect(await rawContentDigest(expanded)).toBe(found.contentSha256);
  // bmaptool finds the map by its name, and reads the compressed image.
  const copied = path.join(folder, 'copied');
  await execute('bmaptool', ['copy', path.join(folder, 'demo.raw.zst'), copied]);
  expect(await rawContentDigest(copied)).toBe(found.contentSha256);
  // Two captures of one disk are the same files.
  const again = await captureRawZst({ raw, folder, name: 'again', signal, onProgress: () => {} });
  expect(again.files.map(({ sha256 }) => sha256)).toEqual(found.files.map(({ sha256 }) => sha256));
});

test('a cancelled capture ends with the reason', async () => {
  const { folder, raw } = await makeDisk();
  const control = new AbortController();
  const capture = captureRawZst({
    raw,
    folder,
    name: 'demo',
    signal: control.signal,
    onProgress: () => {
      control.abort(new Error('enough'));
    },
  });
  await expect(capture).rejects.toThrow('enough');
  expect(await readdir(folder)).not.toContain('demo.raw.bmap');
});
