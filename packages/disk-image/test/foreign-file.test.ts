import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  convertAny,
  detectFormat,
  diffImages,
  ImageForeignError,
  inspectImage,
  isImageFormatError,
  verifyImage,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { makeSampleDisk } from './sample-disk.ts';
import { tempFolder, tool } from './temp.ts';

/** How each comes to be. */
const made: readonly (readonly [string, RegExp, (disk: string, file: string) => Promise<unknown>])[] = [
  ['zip', /is a zip archive.*unzip/, (disk, file) => tool('python3', '-m', 'zipfile', '-c', file, disk)],
  ['bzip2', /is compressed by bzip2.*bunzip2/, bzip2],
  ['bzip2', /bunzip2/, (_, file) => bzip2('/dev/null', file)],
  ['lz4', /is compressed by lz4.*lz4 -d/, (_, file) => writeFile(file, Buffer.from('04224d1864', 'hex'))],
  ['lz4', /lz4 -d/, (_, file) => writeFile(file, Buffer.from('02214c1864', 'hex'))],
  ['lzip', /is compressed by lzip.*lzip -dk/, (_, file) => writeFile(file, 'LZIP\x01\x0c')],
  ['7z', /is a 7z archive.*7z x/, (_, file) => writeFile(file, Buffer.from('377abcaf271c0004', 'hex'))],
  ['tar', /is a tar archive.*tar -xf/, (disk, file) => tool('tar', '-cf', file, disk)],
  ['vmdk', /is a VMDK image.*qemu-img convert/, (disk, file) => qemu('vmdk', disk, file)],
  ['vdi', /is a VDI image.*qemu-img convert/, (disk, file) => qemu('vdi', disk, file)],
  ['vhd', /is a VHD image.*qemu-img convert/, (disk, file) => qemu('vpc', disk, file)],
];

function bzip2(from: string, file: string): Promise<string> {
  const script =
    'import bz2, sys; open(sys.argv[2], "wb").write(bz2.compress(open(sys.argv[1], "rb").read(), 1))';
  return tool('python3', '-c', script, from, file);
}

function qemu(format: string, disk: string, file: string): Promise<string> {
  return tool('qemu-img', 'convert', '-f', 'raw', '-O', format, disk, file);
}

describe('archives and images of other kinds are no raw disks', () => {
  test.each(made)('%s, %s', async (format, message, make) => {
    const folder = await tempFolder();
    const { path: disk } = await makeSampleDisk(folder, 'disk.raw');
    const file = join(folder, 'image.raw');
    await make(disk, file);
    const target = join(folder, 'out.qcow2');
    const before = await readdir(folder);
    for (const refused of [
      () => inspectImage(file),
      () => convertAny({ source: file, target }),
      () => diffImages(disk, file),
      () => diffImages(file, disk),
    ]) {
      const error: unknown = await refused().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ImageForeignError);
      expect(error).toMatchObject({ code: 'DISK_IMAGE_FOREIGN', path: file, format });
      expect(String(error)).toMatch(message);
      expect(isImageFormatError(error)).toBe(false);
    }
    expect(await readdir(folder)).toEqual(before);
    // It is known to be something, so that nothing says that it holds; but a list can promise an archive.
    const unlisted = await verifyImage(file);
    expect(unlisted).toMatchObject({ ok: false, format });
    expect(unlisted.checks.map(({ name, status }) => `${name} ${status}`)).toContain(`${format} note`);
    const sha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    await writeFile(join(folder, 'SHA256SUMS'), `${sha256}  image.raw\n`);
    const listed = await verifyImage(file);
    expect(listed).toMatchObject({ ok: true, format });
    expect(listed.checks.find(({ name }) => name === format)?.detail).toMatch(
      /what is in it was not looked at/,
    );
  });
});

test('what a compressed file holds has to be a raw disk', async () => {
  const folder = await tempFolder();
  const { path: disk } = await makeSampleDisk(folder, 'disk.raw');
  const archive = join(folder, 'disk.tar');
  const qcow2 = join(folder, 'disk.qcow2');
  await tool('tar', '-cf', archive, disk);
  await qemu('qcow2', disk, qcow2);
  for (const [inner, format, message] of [
    [archive, 'tar', /disk\.tar\.gz holds something that is a tar archive, .*: expand it first/],
    [qcow2, 'qcow2', /disk\.qcow2\.gz holds something that is an image \(qcow2\), .*: expand it first/],
  ] as const) {
    const file = `${inner}.gz`;
    await writeFile(file, gzipSync(await readFile(inner), { level: 1 }));
    const target = join(folder, 'out.raw');
    for (const refused of [() => inspectImage(file), () => convertAny({ source: file, target })]) {
      const error: unknown = await refused().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ImageForeignError);
      expect(error).toMatchObject({ path: file, format });
      expect(String(error)).toMatch(message);
    }
    expect((await readdir(folder)).filter((name) => name.startsWith('.') || name === 'out.raw')).toEqual([]);
    expect(await verifyImage(file)).toMatchObject({ ok: false, format: 'raw.gz' });
  }
});

test('disks that begin similarly stay raw', async () => {
  const folder = await tempFolder();
  const file = join(folder, 'disk.img');
  for (const start of ['BZhello', 'PK', '# Disk', 'LZ', '7z']) {
    const bytes = Buffer.alloc(4096);
    bytes.write(start);
    await writeFile(file, bytes);
    expect((await inspectImage(file)).format, start).toBe('raw');
    expect(detectFormat(bytes)).toBe('raw');
  }
  // Shorter than the head that is looked at.
  await writeFile(file, 'PK');
  expect((await inspectImage(file)).format).toBe('raw');
});
