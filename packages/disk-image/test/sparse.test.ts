import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  copySparse,
  createSparseFile,
  DiskFullError,
  ImageBoundsError,
  ImageExistsError,
  openRaw,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { tempFolder, tool } from './temp.ts';

const mib = 1024 * 1024;

test('a sparse file has its size and no blocks, and never replaces another by accident', async () => {
  const path = join(await tempFolder(), 'disk.raw');
  await createSparseFile(path, 8 * 2 ** 30);
  expect(await stat(path)).toMatchObject({ size: 8 * 2 ** 30, blocks: 0 });
  await writeFile(path, 'precious');
  await expect(createSparseFile(path, mib)).rejects.toThrow(ImageExistsError);
  expect(await readFile(path, 'utf8')).toBe('precious');
  await createSparseFile(path, mib, { overwrite: true });
  expect((await readFile(path)).equals(Buffer.alloc(mib))).toBe(true);
});

test('a copy into an image equals the source, stays sparse, and touches nothing else', async () => {
  const folder = await tempFolder();
  const source = join(folder, 'source');
  const target = join(folder, 'target');
  await createSparseFile(source, 100 * mib + 77);
  const file = await open(source, 'r+');
  await file.write(Buffer.from('first'), 0, 5, 0);
  await file.write(Buffer.alloc(3 * mib), 0, 3 * mib, 10 * mib);
  await file.write(Buffer.alloc(5000, 'x'), 0, 5000, 20 * mib + 4000);
  await file.write(Buffer.from('last'), 0, 4, 100 * mib + 73);
  await file.close();
  await createSparseFile(target, 200 * mib);
  const marker = await open(target, 'r+');
  await marker.write(Buffer.from('before'), 0, 6, 50 * mib - 6);
  await marker.write(Buffer.from('after'), 0, 5, 150 * mib + 77);
  await marker.close();
  const report = await copySparse({ source, target, targetOffsetBytes: 50 * mib });
  expect(report).toEqual({ sizeBytes: 100 * mib + 77, writtenBytes: 4096 + 3 * 4096 + 77 });
  expect((await stat(target)).blocks * 512).toBeLessThan(64 * 1024);
  const reader = await openRaw(target);
  const copy = Buffer.from(await reader.read(50 * mib, 100 * mib + 77));
  expect(copy.equals(await readFile(source))).toBe(true);
  expect(Buffer.from(await reader.read(50 * mib - 6, 6)).toString()).toBe('before');
  expect(Buffer.from(await reader.read(150 * mib + 77, 5)).toString()).toBe('after');
  await reader.close();
});

test('a target that is too small is refused before anything is written', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, 'source'), Buffer.alloc(mib, 1));
  await createSparseFile(join(folder, 'target'), mib);
  await expect(
    copySparse({ source: join(folder, 'source'), target: join(folder, 'target'), targetOffsetBytes: 1 }),
  ).rejects.toThrow(ImageBoundsError);
  expect((await stat(join(folder, 'target'))).blocks).toBe(0);
});

test('as root: a full disk is a DiskFullError', async () => {
  const folder = await tempFolder();
  await tool('mkdir', join(folder, 'small'));
  await tool('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(folder, 'small'));
  try {
    await writeFile(join(folder, 'source'), Buffer.alloc(4 * mib, 1));
    await createSparseFile(join(folder, 'small/target'), 8 * mib);
    await expect(
      copySparse({ source: join(folder, 'source'), target: join(folder, 'small/target') }),
    ).rejects.toThrow(DiskFullError);
  } finally {
    await tool('umount', join(folder, 'small'));
  }
});
