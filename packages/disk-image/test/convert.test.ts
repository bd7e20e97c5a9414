import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkImage,
  contentDigest,
  convertImage,
  createSparseFile,
  DiskFullError,
  extents,
  imageInfo,
  memoryReader,
  NbdError,
  openImage,
  partialPath,
  rawContentDigest,
} from '@osforge/disk-image';
import { ProgramCancelledError, ProgramFailedError } from '@osforge/process';
import { expect, test } from 'vitest';
import { tempFolder, tool } from './temp.ts';

const mib = 1024 * 1024;

/** A sparse raw image with text, noise, zeros that are stored, and an odd end. */
async function makeRaw(path: string, sizeBytes = 64 * mib): Promise<void> {
  await createSparseFile(path, sizeBytes);
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(3 * mib, 'some text '), 0, 3 * mib, mib);
  const noise = Buffer.alloc(5 * mib);
  for (let index = 0, state = 1; index < noise.length; index += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    noise[index] = state >>> 24;
  }
  await file.write(noise, 0, noise.length, 20 * mib + 4096);
  await file.write(Buffer.alloc(mib), 0, mib, 40 * mib);
  await file.write(Buffer.from('end'), 0, 3, sizeBytes - 3);
  await file.close();
}

async function sha256sum(path: string): Promise<string> {
  return (await tool('sha256sum', path)).slice(0, 64);
}

test('qcow2, vhdx and raw hold the same disk, and progress goes from 0 to 1', async () => {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  await makeRaw(source);
  const digest = await sha256sum(source);
  expect(await rawContentDigest(source)).toBe(digest);
  for (const format of ['qcow2', 'vhdx', 'raw'] as const) {
    const target = join(folder, `out.${format}`);
    const seen: number[] = [];
    const report = await convertImage({
      source,
      sourceFormat: 'raw',
      target,
      format,
      onProgress: (fraction) => seen.push(fraction),
    });
    expect(report).toMatchObject({ path: target, format, sizeBytes: (await stat(target)).size });
    expect(report.flush.target).toBe(partialPath(target));
    expect(seen.at(0)).toBe(0);
    expect(seen.at(-1)).toBe(1);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect(await checkImage(target, format)).toMatchObject({ ok: true, supported: format !== 'raw' });
    expect(await rawContentDigest(target, format)).toBe(digest);
  }
  expect(await imageInfo(join(folder, 'out.qcow2'))).toMatchObject({
    format: 'qcow2',
    virtualSizeBytes: 64 * mib,
    compressionType: 'zstd',
    backingFile: undefined,
  });
  expect((await imageInfo(join(folder, 'out.vhdx'))).format).toBe('vhdx');
  expect((await readdir(folder)).sort()).toEqual(['disk.raw', 'out.qcow2', 'out.raw', 'out.vhdx']);
});

test('a chain of overlays is read through', async () => {
  const folder = await tempFolder();
  const base = join(folder, 'disk.raw');
  const overlay = join(folder, 'overlay.qcow2');
  await makeRaw(base);
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', overlay);
  await tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 9 50M 100k', '-c', 'write -z 20M 1M', overlay);
  const flat = join(folder, 'flat.raw');
  await tool('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', overlay, flat);
  expect(await rawContentDigest(overlay, 'qcow2')).toBe(await sha256sum(flat));
  expect(await rawContentDigest(overlay, 'qcow2')).not.toBe(await rawContentDigest(base));
  expect((await imageInfo(overlay)).backingFile).toBe(base);
  const reader = await openImage(overlay, 'qcow2');
  const image = await readFile(flat);
  // Across clusters, layers and more than one request.
  for (const [offset, length] of [
    [0, 1],
    [mib - 3, 7],
    [20 * mib - 100, 2 * mib],
    [40 * mib, 24 * mib],
    [64 * mib - 3, 3],
    [5, 0],
  ] as const) {
    expect(
      Buffer.compare(await reader.read(offset, length), image.subarray(offset, offset + length)),
      `${offset}`,
    ).toBe(0);
  }
  await expect(reader.read(64 * mib - 1, 2)).rejects.toThrow('outside the image');
  await reader.close();
});

test('extents of a raw image and of a qcow2 cover the disk without gaps', async () => {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  await makeRaw(source);
  await convertImage({ source, sourceFormat: 'raw', target: join(folder, 'disk.qcow2'), format: 'qcow2' });
  for (const [path, format] of [
    [source, 'raw'],
    [join(folder, 'disk.qcow2'), 'qcow2'],
  ] as const) {
    const list = await extents(path, format);
    let next = 0;
    for (const { startBytes, lengthBytes } of list) {
      expect(startBytes).toBe(next);
      next += lengthBytes;
    }
    expect(next).toBe(64 * mib);
    expect(
      list.find(
        ({ startBytes, lengthBytes }) => startBytes <= 10 * mib && startBytes + lengthBytes > 10 * mib,
      )?.zero,
    ).toBe(true);
    expect(
      list.find(({ startBytes, lengthBytes }) => startBytes <= 2 * mib && startBytes + lengthBytes > 2 * mib)
        ?.zero,
    ).toBe(false);
    const reader = await openImage(path, format);
    const own = await reader.extents?.();
    expect(own?.map(({ startBytes, lengthBytes, zero }) => ({ startBytes, lengthBytes, zero }))).toEqual(
      list.map(({ startBytes, lengthBytes, zero }) => ({ startBytes, lengthBytes, zero })),
    );
    await reader.close();
  }
});

test('digests of odd sizes and of nothing', async () => {
  const path = join(await tempFolder(), 'odd');
  await writeFile(path, Buffer.alloc(1_000_001, 'odd'));
  expect(await rawContentDigest(path)).toBe(await sha256sum(path));
  await writeFile(path, '');
  expect(await rawContentDigest(path)).toBe(await sha256sum(path));
  expect(await contentDigest(memoryReader(new Uint8Array(0)))).toBe(await sha256sum(path));
});

test('cancelling removes the partial file and keeps the older target', async () => {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  await makeRaw(source, 512 * mib);
  const target = join(folder, 'out.qcow2');
  await writeFile(target, 'older');
  const controller = new AbortController();
  await expect(
    convertImage({
      source,
      sourceFormat: 'raw',
      target,
      format: 'qcow2',
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    }),
  ).rejects.toThrow(ProgramCancelledError);
  expect((await readdir(folder)).sort()).toEqual(['disk.raw', 'out.qcow2']);
  expect(await readFile(target, 'utf8')).toBe('older');
});

test('as root: a full disk is a DiskFullError, and nothing partial is left', async () => {
  const folder = await tempFolder();
  const source = join(folder, 'disk.raw');
  await makeRaw(source);
  await tool('mkdir', join(folder, 'small'));
  await tool('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', join(folder, 'small'));
  try {
    for (const format of ['qcow2', 'vhdx', 'raw'] as const) {
      await expect(
        convertImage({ source, sourceFormat: 'raw', target: join(folder, 'small/out'), format }),
      ).rejects.toThrow(DiskFullError);
      expect(await readdir(join(folder, 'small'))).toEqual([]);
    }
  } finally {
    await tool('umount', join(folder, 'small'));
  }
});

test('a damaged source is a failed program; a damaged or missing image cannot be opened', async () => {
  const folder = await tempFolder();
  const bad = join(folder, 'bad.qcow2');
  await writeFile(bad, Buffer.alloc(mib, 'no image'));
  await expect(
    convertImage({ source: bad, sourceFormat: 'qcow2', target: join(folder, 'out'), format: 'raw' }),
  ).rejects.toThrow(ProgramFailedError);
  expect(await readdir(folder)).toEqual(['bad.qcow2']);
  await expect(openImage(bad, 'qcow2')).rejects.toThrow(NbdError);
  await expect(openImage(join(folder, 'missing'), 'qcow2')).rejects.toThrow('No such file');
  await expect(openImage(bad, 'qcow2', { signal: AbortSignal.abort() })).rejects.toThrow();
});

test('a corrupt qcow2 is found by the check', async () => {
  const folder = await tempFolder();
  const path = join(folder, 'disk.qcow2');
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', path, '64M');
  await tool('qemu-io', '-f', 'qcow2', '-c', 'write -P 1 0 10M', path);
  const file = await open(path, 'r+');
  // The refcount table's pointer to its block: without it every cluster is in use but not counted.
  await file.write(Buffer.alloc(8), 0, 8, 65536);
  await file.close();
  expect(await checkImage(path, 'qcow2')).toMatchObject({ ok: false, supported: true });
});

test('no server outlives its reader', async () => {
  const folder = await tempFolder();
  const path = join(folder, 'disk.qcow2');
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', path, '64M');
  const reader = await openImage(path, 'qcow2');
  const running = await tool('pgrep', '-f', `qemu-nbd.*${path}`);
  expect(running.trim()).toMatch(/^\d+$/m);
  await reader.close();
  await expect(tool('pgrep', '-f', `qemu-nbd.*${path}`)).rejects.toThrow();
  await expect(reader.read(0, 1)).rejects.toThrow(NbdError);
});
