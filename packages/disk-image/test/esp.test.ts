import { chmod, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSparseFile,
  EspError,
  makeEsp,
  type MakeEspOptions,
  openRaw,
  readFatState,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { tempFolder, tool, toolExit } from './temp.ts';

const mib = 1024 * 1024;

async function esp(folder: string, name: string, change: Partial<MakeEspOptions> = {}): Promise<string> {
  const imagePath = join(folder, name);
  await createSparseFile(imagePath, 102 * mib);
  const loader = join(folder, `loader-${name}`);
  await writeFile(loader, Buffer.alloc(300_000, 'loader'));
  await makeEsp({
    imagePath,
    offsetBytes: mib,
    sizeBytes: 100 * mib,
    volumeId: 'deadbeef',
    label: 'EFI',
    sourceDateEpoch: 1_700_000_000,
    files: [
      { path: 'EFI/BOOT/BOOTX64.EFI', from: loader },
      { path: 'loader/entries/debian.conf', content: Buffer.from('title Debian\n') },
      { path: 'loader/loader.conf', content: Buffer.from('timeout 0\n') },
      { path: 'a long näme.txt', content: new Uint8Array(0) },
    ],
    ...change,
  });
  return imagePath;
}

async function cutOut(image: string, sizeBytes: number): Promise<string> {
  const part = `${image}.part`;
  await tool(
    'dd',
    `if=${image}`,
    `of=${part}`,
    'bs=1M',
    'skip=1',
    `count=${sizeBytes / mib}`,
    'conv=sparse',
    'status=none',
  );
  return part;
}

test('fsck.fat finds nothing, and the files are there', async () => {
  const image = await esp(await tempFolder(), 'disk.raw');
  const part = await cutOut(image, 100 * mib);
  expect(await toolExit('fsck.fat', '-n', part)).toMatchObject({ code: 0 });
  expect(await tool('mtype', '-i', `${image}@@1M`, '::/loader/entries/debian.conf')).toBe('title Debian\n');
  const copy = `${image}.copy`;
  await tool('mcopy', '-n', '-i', `${image}@@1M`, '::/EFI/BOOT/BOOTX64.EFI', copy);
  expect((await readFile(copy)).equals(Buffer.alloc(300_000, 'loader'))).toBe(true);
  expect(await tool('mdir', '-i', `${image}@@1M`, '::/')).toContain('a long näme.txt');
  expect((await stat(image)).blocks * 512).toBeLessThan(4 * mib);
});

test('two runs give the same bytes, whatever the sources’ times and modes', async () => {
  const folder = await tempFolder();
  const loader = join(folder, 'shared-loader');
  await writeFile(loader, 'x');
  const files = [
    { path: 'EFI/BOOT/BOOTX64.EFI', from: loader },
    { path: 'b.conf', content: Buffer.from('b') },
  ];
  const first = await esp(folder, 'first', { files });
  await utimes(loader, 1, 1);
  await chmod(loader, 0o400);
  const second = await esp(folder, 'second', { files });
  expect((await readFile(first)).equals(await readFile(second))).toBe(true);
  expect(await tool('mdir', '-i', `${first}@@1M`, '::/')).toContain('2023-11-14');
});

test('reads its own state: clean FAT32; a small one is FAT16', async () => {
  const folder = await tempFolder();
  const large = await openRaw(await esp(folder, 'large'));
  expect(await readFatState(large, mib)).toMatchObject({
    type: 32,
    dirty: false,
    ioErrors: false,
    volumeId: 'DEADBEEF',
    label: 'EFI',
    sizeBytes: 100 * mib,
  });
  await large.close();
  const small = await openRaw(await esp(folder, 'small', { sizeBytes: 33 * mib }));
  expect(await readFatState(small, mib)).toMatchObject({ type: 16, dirty: false, sizeBytes: 33 * mib });
  await small.close();
});

test('what does not fit is a typed error with the text of mtools', async () => {
  await expect(
    esp(await tempFolder(), 'disk.raw', {
      sizeBytes: 2 * mib,
      files: [{ path: 'big', content: new Uint8Array(3 * mib) }],
    }),
  ).rejects.toThrow(EspError);
});

test.each<[string, Partial<MakeEspOptions>]>([
  ['a bad volume id', { volumeId: 'xyz' }],
  ['a long label', { label: 'ABCDEFGHIJKL' }],
  ['an odd offset', { offsetBytes: 100 }],
  ['a time before 1980', { sourceDateEpoch: 0 }],
  ['a path outside', { files: [{ path: '../x', content: new Uint8Array(0) }] }],
  ['a file from nowhere', { files: [{ path: 'x' }] }],
  ['a file twice', { files: ['x', 'X'].map((path) => ({ path, content: new Uint8Array(0) })) }],
])('refuses %s', async (_, change) => {
  await expect(esp(await tempFolder(), 'disk.raw', change)).rejects.toThrow(EspError);
});
