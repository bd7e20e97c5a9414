import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  captureFfu,
  contentDigest,
  convertImage,
  ImageBoundsError,
  openImage,
  rawContentDigest,
  readGpt,
  type ReadableFormat,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { makeDisk, mib } from './ffu/disk.ts';
import { seededRandom, tempFolder, tool } from './temp.ts';

interface Format {
  readonly name: string;
  readonly format: ReadableFormat;
  /** Bytes that it allocates at a time, where they are many. */
  readonly grain?: number;
  readonly make: (source: string, target: string) => Promise<unknown>;
}

const convert = (format: 'qcow2' | 'vhdx'): Format['make'] => {
  return (source, target) => convertImage({ source, sourceFormat: 'raw', target, format });
};

const formats: readonly Format[] = [
  { name: 'raw', format: 'raw', make: (source, target) => tool('cp', '--sparse=always', source, target) },
  { name: 'qcow2', format: 'qcow2', make: convert('qcow2') },
  { name: 'vhdx', format: 'vhdx', make: convert('vhdx'), grain: 8 * mib },
  { name: 'ffu, V1', format: 'ffu', make: (source, target) => captureFfu({ source, target }) },
  {
    name: 'ffu, V1_COMPRESSED',
    format: 'ffu',
    make: (source, target) => captureFfu({ source, target, compress: true }),
  },
];

// What everything that openImage opens promises, of whatever format.
describe.each(formats)('$name', ({ format, make, grain = 0 }) => {
  const prepare = async (): Promise<{ path: string; source: string }> => {
    const folder = await tempFolder();
    const source = join(folder, 'disk.raw');
    const path = join(folder, 'image');
    await makeDisk(source);
    await make(source, path);
    return { path, source };
  };

  test('the same disk, however it is read', async () => {
    const { path, source } = await prepare();
    const disk = await readFile(source);
    const image = await openImage(path, format);
    expect(image.sizeBytes).toBe(disk.length);
    const random = seededRandom(1);
    for (let round = 0; round < 60; round += 1) {
      const offset = random(disk.length);
      const length = Math.min(random(2) === 0 ? random(5000) : random(2 * mib), disk.length - offset);
      const expected = disk.subarray(offset, offset + length);
      expect(Buffer.from(await image.read(offset, length)).equals(expected)).toBe(true);
      const target = new Uint8Array(length).fill(0xee);
      await image.readInto?.(offset, target);
      expect(Buffer.from(target).equals(expected)).toBe(true);
    }
    expect((await readGpt(image)).partitions.map(({ name }) => name)).toEqual(['EFI system', 'root']);
    expect(await contentDigest(image)).toBe(await rawContentDigest(source));
    expect(await rawContentDigest(path, format)).toBe(await rawContentDigest(source));
    await image.close();
  });

  test('reads at the same time do not disturb each other', async () => {
    const { path, source } = await prepare();
    const disk = await readFile(source);
    const image = await openImage(path, format);
    const random = seededRandom(2);
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const offset = random(disk.length - 200_000);
        const bytes = await image.read(offset, 200_000);
        expect(Buffer.from(bytes).equals(disk.subarray(offset, offset + 200_000))).toBe(true);
      }),
    );
    await image.close();
  });

  test('extents are in order, without gaps, and what they call zero is zero', async () => {
    const { path, source } = await prepare();
    const disk = await readFile(source);
    const image = await openImage(path, format);
    let next = 0;
    let zeros = 0;
    for (const { startBytes, lengthBytes, zero } of (await image.extents?.()) ?? []) {
      expect(startBytes).toBe(next);
      expect(lengthBytes).toBeGreaterThan(0);
      next += lengthBytes;
      if (!zero) continue;
      zeros += lengthBytes;
      expect(disk.subarray(startBytes, next).every((byte) => byte === 0)).toBe(true);
    }
    expect(next).toBe(disk.length);
    await image.close();
    // Most of that disk is empty; a VHDX has blocks as large as half of it.
    if (grain < 8 * mib) expect(zeros).toBeGreaterThan(8 * mib);
  });

  test('reads outside the disk are refused', async () => {
    const { path } = await prepare();
    const image = await openImage(path, format);
    for (const [offset, length] of [
      [image.sizeBytes, 1],
      [image.sizeBytes - 1, 2],
      [-1, 1],
      [0.5, 1],
      [0, -1],
    ] as const)
      await expect(image.read(offset, length)).rejects.toThrow(ImageBoundsError);
    expect((await image.read(image.sizeBytes, 0)).length).toBe(0);
    await image.close();
  });

  test('after it is closed nothing is read', async () => {
    const { path } = await prepare();
    const image = await openImage(path, format);
    await image.close();
    await expect(image.read(2 * mib, 10)).rejects.toThrow();
  });
});
