import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  captureFfu,
  checkImage,
  convertAny,
  diffImages,
  ImageDamagedError,
  inspectImage,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeDisk, mib } from './ffu/disk.ts';
import { tempFolder, tool, toolExit } from './temp.ts';

const cut = async (path: string, target: string, keep: (length: number) => number): Promise<string> => {
  const bytes = await readFile(path);
  await writeFile(target, bytes.subarray(0, keep(bytes.length)));
  return target;
};

const makers = {
  'plain.qcow2': ['-O', 'qcow2'],
  'packed.qcow2': ['-c', '-O', 'qcow2', '-o', 'compression_type=zstd'],
  'dynamic.vhdx': ['-O', 'vhdx'],
} as const;

test.each(Object.entries(makers))(
  'a cut %s is refused by convert and diff, and inspect says so',
  async (name, args) => {
    const folder = await tempFolder();
    const raw = join(folder, 'disk.raw');
    await makeDisk(raw);
    const whole = join(folder, name);
    await tool('qemu-img', 'convert', '-f', 'raw', ...args, raw, whole);
    const damaged = await cut(whole, join(folder, `cut-${name}`), (length) => Math.floor(length / 2));
    const names = await readdir(folder);
    for (const target of ['a.raw', 'a.qcow2', 'a.vhdx', 'a.ffu', 'a.raw.zst', 'a.raw.gz'])
      await expect(convertAny({ source: damaged, target: join(folder, target) }), target).rejects.toThrow(
        new RegExp(`cut-${name} is damaged or cut \\(qemu-img check: .*\\): get the file again$`),
      );
    expect(await readdir(folder)).toEqual(names);
    await expect(diffImages(raw, damaged)).rejects.toThrow(ImageDamagedError);
    await expect(diffImages(damaged, raw)).rejects.toThrow(ImageDamagedError);
    // Of zeros where there were tables, or, where qemu cannot read them, an error of the same words.
    const said = await inspectImage(damaged).then(({ problem }) => problem, String);
    expect(said).toMatch(/damaged or cut \(qemu-img check: |NbdError: .* VHDX .* truncated/);
    expect(await inspectImage(whole)).not.toHaveProperty('problem');
    expect((await diffImages(raw, whole)).equal).toBe(true);
  },
);

test('a qcow2 that lacks less than a cluster, which qemu-img check does not see', async () => {
  const folder = await tempFolder();
  const raw = join(folder, 'disk.raw');
  // The backup of the partition table is in the last cluster, which has 8 KiB of the disk, and filling.
  await makeDisk(raw, { sizeBytes: 16 * mib + 8192 });
  const part = join(folder, 'part.qcow2');
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, part);
  await makeDisk(raw);
  const full = join(folder, 'full.qcow2');
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, full);
  for (const [whole, bytes, corruptions] of [
    [part, 0, 0],
    [part, 65_536 - 8192, 0],
    [part, 65_536 - 8191, 1],
    [full, 1, 1],
  ] as const) {
    const damaged = await cut(whole, join(folder, 'cut.qcow2'), (length) => length - bytes);
    expect((await toolExit('qemu-img', 'check', damaged)).code).toBe(0);
    expect(await checkImage(damaged, 'qcow2')).toMatchObject({ ok: corruptions === 0, corruptions });
    const converted = convertAny({ source: damaged, target: join(folder, 'a.raw'), overwrite: true });
    if (corruptions > 0) await expect(converted).rejects.toThrow(ImageDamagedError);
    else await converted;
  }
});

test('an FFU with one changed byte is damaged, not different', async () => {
  const folder = await tempFolder();
  const raw = join(folder, 'disk.raw');
  await makeDisk(raw);
  for (const compress of [false, true]) {
    const whole = join(folder, 'disk.ffu');
    await captureFfu({ source: raw, target: whole, compress });
    expect((await diffImages(raw, whole)).equal).toBe(true);
    const bytes = await readFile(whole);
    const at = bytes.length - 100_000;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    const damaged = join(folder, 'changed.ffu');
    await writeFile(damaged, bytes);
    await expect(diffImages(raw, damaged)).rejects.toThrow(
      /changed\.ffu is damaged or cut \(1 of \d+ chunks are not what their digests say, the first at byte \d+\)/,
    );
    // Its digests cost a read of the whole file, which a hash does too.
    expect(await inspectImage(damaged)).not.toHaveProperty('problem');
    if (!compress) expect((await inspectImage(damaged, { hash: true })).problem).toMatch(/^damaged or cut/);
  }
});
