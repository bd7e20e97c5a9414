import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openRaw, parseBmap, partitionTypes, readGpt } from '@osforge/disk-image';
import { hashFile } from '@osforge/flush';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeInstallIso, type MediumRequest } from '../../src/media/make-iso.ts';
import { ipxeScript, makePxe } from '../../src/media/make-pxe.ts';
import { makeStick } from '../../src/media/make-stick.ts';
import { mediumIdentifiers } from '../../src/media/medium-identifiers.ts';

const mebibyte = 1024 ** 2;
let root: string;
let content: string;
let boot: Record<'kernel' | 'initramfs' | 'networkInitramfs' | 'loader', string>;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-media-'));
  content = path.join(root, 'content');
  await mkdir(path.join(content, 'osforge', 'payload'), { recursive: true });
  await writeFile(path.join(content, 'osforge', 'medium-id'), 'the-id\n');
  for (const [index, size] of [4096, 5 * mebibyte, 1].entries())
    await writeFile(
      path.join(content, 'osforge', 'payload', `000${index}.zst`),
      Buffer.alloc(size, index + 1),
    );
  const made = async (name: string, bytes: number): Promise<string> => {
    const file = path.join(root, name);
    await writeFile(file, Buffer.alloc(bytes, name));
    return file;
  };
  boot = {
    kernel: await made('linux', 3 * mebibyte),
    initramfs: await made('initrd.img', mebibyte + 1),
    networkInitramfs: await made('network.img', 5000),
    loader: await made('systemd-bootx64.efi', 90_000),
  };
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const request = (target: string): MediumRequest => ({
  target: path.join(root, target),
  content,
  boot,
  name: 'demo',
  identifiers: mediumIdentifiers(['x']),
  epochSeconds: 1_700_000_000,
  signal: new AbortController().signal,
});

const digest = async (name: string): Promise<string> => (await hashFile(path.join(root, name))).sha256;

/** A file of the FAT file system at an offset of an image. */
const fatFile = (image: string, offset: number, file: string): Buffer =>
  execFileSync('mtype', ['-i', `${path.join(root, image)}@@${offset}`, `::/${file}`], {
    maxBuffer: 64 * mebibyte,
  });

async function expectBootable(image: string, offset: number): Promise<void> {
  expect(fatFile(image, offset, 'EFI/BOOT/BOOTX64.EFI').equals(await readFile(boot.loader))).toBe(true);
  expect(fatFile(image, offset, 'osforge/linux').equals(await readFile(boot.kernel))).toBe(true);
  expect(fatFile(image, offset, 'osforge/initrd.img').equals(await readFile(boot.initramfs))).toBe(true);
  expect(fatFile(image, offset, 'loader/loader.conf').toString()).toContain('timeout 3\n');
  expect(fatFile(image, offset, 'loader/entries/install.conf').toString()).toContain(
    'title Install demo (erases a disk)\n',
  );
}

test('an ISO has its content as files, boots UEFI by El Torito and by its partition table, and is the same twice', async () => {
  await makeInstallIso(request('one.iso'));
  await makeInstallIso(request('other.iso'));
  expect(await digest('one.iso')).toBe(await digest('other.iso'));

  const reader = await openRaw(path.join(root, 'one.iso'));
  const { partitions, primaryOk, backupOk } = await readGpt(reader);
  await reader.close();
  expect([primaryOk, backupOk]).toEqual([true, true]);
  const esp = partitions.find(({ typeGuid }) => typeGuid === partitionTypes.efiSystem);
  await expectBootable('one.iso', esp?.startBytes ?? 0);

  const report = execFileSync(
    'xorriso',
    ['-indev', path.join(root, 'one.iso'), '-report_el_torito', 'plain'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  // Its address, in blocks of 2048 bytes, is that of the partition.
  const entry = /^El Torito boot img : +1 +UEFI +y +none .* (\d+)$/m.exec(report);
  expect(Number(entry?.[1]) * 2048).toBe(esp?.startBytes);

  const out = path.join(root, 'out');
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', path.join(root, 'one.iso'), '-extract', '/', out], {
    stdio: 'ignore',
  });
  execFileSync('diff', ['--recursive', '--exclude=boot.catalog', content, out]);
  await expect(stat(path.join(root, 'one.iso.esp'))).rejects.toThrow('ENOENT');
});

test('a stick image has one partition with everything, room for a counter, a block map, and is the same twice', async () => {
  await makeStick(request('one.raw'));
  await makeStick(request('other.raw'));
  expect(await digest('one.raw')).toBe(await digest('other.raw'));
  expect(await digest('one.raw.bmap')).toBe(await digest('other.raw.bmap'));

  const reader = await openRaw(path.join(root, 'one.raw'));
  const { partitions, primaryOk, backupOk } = await readGpt(reader);
  await reader.close();
  expect([primaryOk, backupOk, partitions.length]).toEqual([true, true, 1]);
  await expectBootable('one.raw', mebibyte);
  for (const name of ['medium-id', 'payload/0000.zst', 'payload/0001.zst', 'payload/0002.zst'])
    expect(
      fatFile('one.raw', mebibyte, `osforge/${name}`).equals(
        await readFile(path.join(content, 'osforge', name)),
      ),
    ).toBe(true);
  const room = path.join(root, 'room');
  await writeFile(room, Buffer.alloc(mebibyte));
  execFileSync('mcopy', ['-i', `${path.join(root, 'other.raw')}@@${mebibyte}`, room, '::/osforge/room']);

  const { imageSizeBytes } = parseBmap(await readFile(path.join(root, 'one.raw.bmap'), 'utf8'));
  const { size } = await stat(path.join(root, 'one.raw'));
  expect(imageSizeBytes).toBe(size);
});

test('a stick of many small parts has room for them', async () => {
  for (let index = 10; index < 400; index += 1)
    await writeFile(path.join(content, 'osforge', 'payload', `0${index}.zst`.slice(-8)), 'x');
  await makeStick(request('many.raw'));
  expect(fatFile('many.raw', mebibyte, 'osforge/payload/0399.zst').toString()).toBe('x');
});

test('the PXE folder has one initramfs of two, the payload and a script that finds it', async () => {
  const folder = path.join(root, 'pxe');
  const payload = path.join(content, 'osforge', 'payload');
  const { signal } = new AbortController();
  await makePxe({ folder, payload, boot, name: 'demo', signal });
  const initrd = await readFile(path.join(folder, 'initrd.img'));
  const [first, second] = [await readFile(boot.initramfs), await readFile(boot.networkInitramfs)];
  const start = Math.ceil(first.length / 4) * 4;
  expect(initrd.subarray(0, first.length).equals(first)).toBe(true);
  expect(initrd.subarray(first.length, start).every((byte) => byte === 0)).toBe(true);
  expect(initrd.subarray(start).equals(second)).toBe(true);
  expect((await readFile(path.join(folder, 'payload', '0001.zst'))).length).toBe(5 * mebibyte);
  expect(await readFile(path.join(folder, 'boot.ipxe'), 'utf8')).toBe(ipxeScript('demo'));
  expect(ipxeScript('demo')).toMatch(
    /^kernel linux initrd=initrd\.img .*osforge\.payload=\$\{osforge-payload\}$/m,
  );
});
