import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  convertAny,
  ImageConvertError,
  ImageExistsError,
  ImageExpandError,
  ImageLimitError,
  inspectImage,
  openFfu,
  rawContentDigest,
  targetFormat,
  verifyFfu,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeDisk, mib } from './ffu/disk.ts';
import { makeSampleDisk } from './sample-disk.ts';
import { tempFolder, tool } from './temp.ts';

test('every format into every format: the same disk, sparse, with progress, and nothing left beside', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const digest = await rawContentDigest(path);
  const names = ['a.qcow2', 'b.vhdx', 'c.ffu', 'd.raw.zst', 'e.raw.gz', 'f.img'];
  const sources = [path];
  for (const name of names) {
    const target = join(folder, name);
    const seen: number[] = [];
    const source = sources.at(-1) ?? path;
    const report = await convertAny({ source, target, onProgress: (fraction) => seen.push(fraction) });
    expect(report.format, name).toBe(targetFormat(name));
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((x, y) => x - y));
    expect((await inspectImage(target, { hash: true })).hashes?.disk, name).toBe(digest);
    sources.push(target);
  }
  // From each of the compressed ones and the FFU to raw and to qcow2.
  for (const [index, from] of ['c.ffu', 'd.raw.zst', 'e.raw.gz', 'b.vhdx'].entries()) {
    for (const to of [`r${index}.raw`, `q${index}.qcow2`]) {
      await convertAny({ source: join(folder, from), target: join(folder, to) });
      expect((await inspectImage(join(folder, to), { hash: true })).hashes?.disk, `${from} → ${to}`).toBe(
        digest,
      );
    }
    const { blocks } = await stat(join(folder, `r${index}.raw`));
    expect(blocks * 512).toBeLessThan(16 * 1024 * 1024);
  }
  // Debian's program reads what was written, and knows the size.
  await tool('zstd', '-t', '-q', join(folder, 'd.raw.zst'));
  expect(await tool('zstd', '-lv', join(folder, 'd.raw.zst'))).toMatch(/Decompressed Size: 32\.0 MiB/);
  expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('refusals: an existing target, the source itself, a name without a format, a folder', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const target = join(folder, 'there.qcow2');
  await writeFile(target, 'mine');
  await expect(convertAny({ source: path, target })).rejects.toThrow(ImageExistsError);
  expect(await readFile(target, 'utf8')).toBe('mine');
  await expect(convertAny({ source: path, target: path, overwrite: true })).rejects.toThrow(
    ImageConvertError,
  );
  for (const name of ['x.iso', 'x', '.qcow2', 'x.qcow2.zst'])
    await expect(convertAny({ source: path, target: join(folder, name) })).rejects.toThrow(ImageConvertError);
  await expect(convertAny({ source: path, target: folder, format: 'raw', overwrite: true })).rejects.toThrow(
    ImageConvertError,
  );
  await convertAny({ source: path, target, overwrite: true });
  expect((await inspectImage(target)).format).toBe('qcow2');
});

test('what is larger than allowed is refused before anything is made, and converted when it is allowed', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const at = (name: string): string => join(folder, name);
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path, at('disk.qcow2'));
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'vhdx', path, at('disk.vhdx'));
  await tool('zstd', '-q', '-k', path, '-o', at('disk.raw.zst'));
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', at('huge.qcow2'), '1P');
  const names = (await readdir(folder)).sort();
  const target = at('out.raw');
  const small = { maxDiskBytes: 2 ** 24, maxExpandedBytes: 2 ** 24 };
  for (const [name, options, limit] of [
    ['huge.qcow2', {}, 'maxDiskBytes'],
    ['disk.qcow2', small, 'maxDiskBytes'],
    ['disk.vhdx', small, 'maxDiskBytes'],
    ['disk.raw.zst', small, 'maxExpandedBytes'],
  ] as const) {
    const error: unknown = await convertAny({ source: at(name), target, ...options }).catch(
      (reason: unknown) => reason,
    );
    expect(error, name).toBeInstanceOf(ImageLimitError);
    expect(error).toMatchObject({ limit });
    expect((await readdir(folder)).sort()).toEqual(names);
  }
  const enough = { maxDiskBytes: 2 ** 25, maxExpandedBytes: 2 ** 25 };
  for (const name of ['disk.qcow2', 'disk.vhdx', 'disk.raw.zst'])
    await convertAny({ source: at(name), target, overwrite: true, ...enough });
});

test('to FFU: the largest block that fits the disk, and compressed where that is asked for', async () => {
  const folder = await tempFolder();
  const raw = join(folder, 'disk.raw');
  for (const [sizeBytes, blockBytes] of [
    [16 * mib, 128 * 1024],
    [16 * mib + 64 * 1024, 64 * 1024],
    [64 * mib + 8192, 8192],
    [16 * mib + 4096, 4096],
  ] as const) {
    await makeDisk(raw, { sizeBytes });
    for (const compress of [false, true]) {
      const target = join(folder, 'disk.ffu');
      await convertAny({ source: raw, target, overwrite: true, compress });
      const image = await openFfu(target);
      expect(image.store).toMatchObject({ blockBytes, kind: compress ? 'v1-compressed' : 'v1' });
      expect(image.sizeBytes).toBe(sizeBytes);
      await image.close();
      expect((await verifyFfu(target)).ok).toBe(true);
      expect(await rawContentDigest(target, 'ffu')).toBe(await rawContentDigest(raw));
    }
  }
  // An FFU names blocks of whole 4096 bytes at least.
  await makeDisk(raw, { sizeBytes: 16 * mib + 512 });
  const odd = convertAny({ source: raw, target: join(folder, 'odd.ffu') });
  await expect(odd).rejects.toThrow(/is not a multiple of the block of 4096: make the disk a multiple/);
  const wrong = convertAny({ source: raw, target: join(folder, 'x.qcow2'), compress: true });
  await expect(wrong).rejects.toThrow(/compress is for FFU \(\.ffu\), and qcow2 has no choice/);
  expect((await readdir(folder)).sort()).toEqual(['disk.ffu', 'disk.raw']);
});

test('a cancelled or failed conversion leaves the older target and nothing else', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const zst = join(folder, 'disk.raw.zst');
  await tool('zstd', '-q', '-k', path, '-o', zst);
  const target = join(folder, 'old.raw.gz');
  await writeFile(target, 'old');
  for (const source of [path, zst]) {
    const control = new AbortController();
    const stopped = convertAny({
      source,
      target,
      overwrite: true,
      signal: control.signal,
      onProgress: () => {
        control.abort(new Error('enough'));
      },
    });
    await expect(stopped).rejects.toThrow('enough');
  }
  const cut = join(folder, 'cut.raw.zst');
  await writeFile(cut, (await readFile(zst)).subarray(0, -50));
  await expect(convertAny({ source: cut, target, overwrite: true })).rejects.toThrow(ImageExpandError);
  expect(await readFile(target, 'utf8')).toBe('old');
  expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a target that was made meanwhile is not replaced', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const target = join(folder, 'late.raw.gz');
  let made: Promise<void> | undefined;
  const converted = convertAny({
    source: path,
    target,
    onProgress: () => {
      made ??= writeFile(target, 'late');
    },
  });
  await expect(converted).rejects.toThrow(ImageExistsError);
  await made;
  expect(await readFile(target, 'utf8')).toBe('late');
});
