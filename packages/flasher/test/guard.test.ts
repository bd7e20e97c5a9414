import { constants } from 'node:fs';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  assertTarget,
  confirmationOf,
  flashImage,
  inspectTarget,
  listTargets,
  startFlash,
  targetProblems,
} from '@osforge/flasher';
import {
  after,
  faultyDisk,
  image,
  loopDevice,
  mebibyte,
  oldDisk,
  scratch,
  selected,
  sha256File,
  tool,
} from './scratch.ts';

const kinds = async (path: string, allowPartition = false): Promise<string[]> =>
  (await inspectTarget(path, { allowPartition })).problems.map(({ kind }) => kind);

test('as root: refuses a disk with a mounted partition, the partition, and a read-only device', async () => {
  const folder = scratch();
  const disk = join(folder, 'disk');
  tool('truncate', '--size=16M', disk);
  const device = loopDevice(disk, '--partscan');
  tool('addpart', device, '1', '2048', '20480');
  const partition = `${device}p1`;
  expect(await kinds(device)).toEqual([]);
  expect(await kinds(partition)).toEqual(['partition']);
  expect(await kinds(partition, true)).toEqual([]);
  tool('mkfs.ext4', '-q', partition);
  const mount = join(folder, 'a mount');
  await mkdir(mount);
  tool('mount', partition, mount);
  after(() => {
    tool('umount', mount);
  });
  expect(await kinds(device)).toEqual(['mounted']);
  expect((await inspectTarget(device)).problems[0]?.detail).toContain(`is mounted on ${mount}`);
  const before = sha256File(disk);
  const [result] = await flashImage({
    source: { path: image(folder, mebibyte) },
    targets: [(await inspectTarget(device)).identity],
  });
  expect(result).toMatchObject({ ok: false, error: { code: 'FLASHER_TARGET_REFUSED' } });
  tool('sync', disk);
  expect(sha256File(disk)).toBe(before);
  const readOnly = loopDevice(oldDisk(join(folder, 'ro'), mebibyte), '--read-only');
  expect(await kinds(readOnly)).toEqual(['read-only']);
});

test('as root: refuses what is too small, a backing file, a folder, a terminal, and a device that is not there', async () => {
  const folder = scratch();
  const backing = oldDisk(join(folder, 'backing'), mebibyte);
  const device = loopDevice(backing);
  const info = await inspectTarget(device);
  expect(targetProblems(info, mebibyte)).toEqual([]);
  expect(targetProblems(info, mebibyte + 1)).toMatchObject([{ kind: 'too-small' }]);
  expect(() => {
    assertTarget(info, mebibyte + 1);
  }).toThrow(/it holds 1048576 bytes and the image has 1048577/);
  expect(await kinds(backing)).toEqual(['backing-file']);
  expect(await kinds(folder)).toEqual(['not-a-disk']);
  expect(await kinds('/dev/null')).toEqual(['not-a-disk']);
  expect(await kinds('/dev/sdzz')).toEqual(['missing']);
  expect(await kinds(join(folder, 'no', 'file'))).toEqual(['missing']);
  const [result] = await flashImage({
    source: { path: image(folder, 2 * mebibyte) },
    targets: [info.identity],
  });
  expect(result).toMatchObject({
    ok: false,
    error: { code: 'FLASHER_TARGET_REFUSED', fields: { problems: [{ kind: 'too-small' }] } },
  });
});

test('as root: refuses a device that is another one than at the selection, though it has its name', async () => {
  const folder = scratch();
  const source = image(folder, mebibyte);
  const [first, second] = ['first', 'second'].map((name) => oldDisk(join(folder, name), 2 * mebibyte));
  if (first === undefined || second === undefined) throw new Error('two files');
  const device = tool('losetup', '--find', '--show', first);
  const chosen = await selected(device);
  expect(chosen.diskSequence).toBeGreaterThan(0);
  tool('losetup', '--detach', device);
  tool('losetup', device, second);
  after(() => {
    tool('losetup', '--detach', device);
  });
  const before = sha256File(second);
  const [result] = await flashImage({ source: { path: source }, targets: [chosen] });
  expect(result).toMatchObject({ ok: false, error: { code: 'FLASHER_TARGET_CHANGED' } });
  if (result?.ok === false)
    expect(result.error.fields).toMatchObject({
      differences: [{ field: 'diskSequence' }, { field: 'backingFile', selected: first, opened: second }],
    });
  expect(sha256File(second)).toBe(before);
});

test('refuses a file that was replaced since the selection', async () => {
  const folder = scratch();
  const target = oldDisk(join(folder, 'target'), mebibyte);
  const chosen = await selected(target);
  tool('mv', oldDisk(join(folder, 'other'), mebibyte), target);
  const [result] = await flashImage({ source: { path: image(folder, mebibyte) }, targets: [chosen] });
  expect(result).toMatchObject({ ok: false, error: { code: 'FLASHER_TARGET_CHANGED' } });
});

test('as root: a device that something holds exclusively is busy', async () => {
  const folder = scratch();
  const device = loopDevice(oldDisk(join(folder, 'backing'), 2 * mebibyte));
  const holder = await open(device, constants.O_RDWR | constants.O_EXCL);
  try {
    const [result] = await flashImage({
      source: { path: image(folder, mebibyte) },
      targets: [await selected(device)],
    });
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'FLASHER_TARGET_BUSY', fields: { path: device } },
    });
  } finally {
    await holder.close();
  }
});

test.each(['file', 'device'])('as root: of two processes on one %s the second is refused', async (kind) => {
  const source = image(scratch(), 8 * mebibyte, 1);
  const disk = await faultyDisk(8 * mebibyte, { delayMs: 300 });
  const path = kind === 'file' ? disk.path : loopDevice(disk.path, '--direct-io=on');
  const chosen = await selected(path);
  const flash = await startFlash({ source: { path: source } });
  const writing = new Promise<void>((resolve) => {
    flash.progress$.subscribe(({ state }) => {
      if (state === 'writing') resolve();
    });
  });
  const first = flash.add(chosen);
  await writing;
  const [second] = await flashImage({ source: { path: source }, targets: [chosen] });
  disk.control({});
  expect(second).toMatchObject({ ok: false, error: { code: 'FLASHER_TARGET_BUSY' } });
  expect(await first).toMatchObject({ ok: true });
  await flash.close();
});

/** A system of files: a stick, a disk below LVM with the root, an empty reader, and a drive that answers nothing. */
async function fakeSystem(): Promise<{ sys: string; proc: string; dev: string }> {
  const root = scratch();
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`, 'latin1');
  };
  const usb = 'sys/devices/pci0/usb1/1-2';
  put(`${usb}/idVendor`, '0781');
  put(`${usb}/serial`, '4C530001230405117260');
  const stick = `${usb}/1-2:1.0/host2/block/sdb`;
  const disks: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    [
      stick,
      {
        dev: '8:16',
        size: '60062500',
        diskseq: '17',
        removable: '1',
        ro: '0',
        'device/vendor': 'SanDisk',
        'device/model': 'Ultra',
      },
    ],
    [
      'sys/devices/pci0/host3/block/sde',
      {
        dev: '8:64',
        size: '2000',
        ro: '0',
        'device/vpd_pg80': '\u0000\u0080\u0000\u0008 ZA1B2C3',
        'device/wwid': 'naa.5000c500a1b2c3d4',
      },
    ],
    ['sys/devices/pci0/nvme0/nvme0n1', { dev: '259:0', size: '1000', ro: '0', 'device/serial': 'S4X9' }],
    ['sys/devices/pci0/nvme0/nvme0n1/nvme0n1p1', { dev: '259:1', size: '900', partition: '1' }],
    ['sys/devices/virtual/block/dm-0', { dev: '253:0', size: '800', ro: '0' }],
    ['sys/devices/pci0/reader/sdc', { dev: '8:32', size: '0', ro: '0' }],
    ['sys/devices/pci0/odd/sdd', { dev: '8:48' }],
  ];
  for (const [folder, attributes] of disks)
    for (const [name, value] of Object.entries(attributes)) put(join(folder, name), value);
  put('sys/devices/pci0/nvme0/nvme0n1/nvme0n1p1/holders/dm-0/x', '');
  put('proc/self/mountinfo', '27 1 253:0 / / rw - ext4 /dev/mapper/root rw');
  put('proc/swaps', 'Filename Type Size Used Priority');
  await mkdir(join(root, 'sys/dev/block'), { recursive: true });
  await mkdir(join(root, 'sys/class/block'), { recursive: true });
  await mkdir(join(root, 'sys/block'), { recursive: true });
  for (const [folder, { dev = '' }] of disks) {
    const name = folder.split('/').at(-1) ?? '';
    await symlink(join(root, folder), join(root, 'sys/dev/block', dev));
    await symlink(join(root, folder), join(root, 'sys/class/block', name));
    if (name !== 'nvme0n1p1') await symlink(join(root, folder), join(root, 'sys/block', name));
    await mkdir(join(root, 'dev'), { recursive: true });
    const [major = '', minor = ''] = dev.split(':');
    tool('mknod', join(root, 'dev', name), 'b', major, minor);
  }
  await writeFile(join(root, 'dev/null'), '');
  return { sys: join(root, 'sys'), proc: join(root, 'proc'), dev: join(root, 'dev') };
}

test('as root: lists sticks and disks with what a person needs, and one odd drive hides none', async () => {
  const paths = await fakeSystem();
  const targets = await listTargets({ paths });
  expect(targets.map(({ identity }) => identity.path)).toEqual(
    ['dm-0', 'nvme0n1', 'sdb', 'sde'].map((name) => join(paths.dev, name)),
  );
  // As lsblk and the installer have it.
  expect(targets.at(-1)?.identity.serial).toBe('ZA1B2C3');
  const stick = targets.at(-2);
  expect(stick).toMatchObject({
    identity: {
      vendor: 'SanDisk',
      model: 'Ultra',
      serial: '4C530001230405117260',
      sizeBytes: 30_752_000_000,
      diskSequence: 17,
    },
    removable: true,
    transport: 'usb',
    problems: [],
  });
  if (stick === undefined) throw new Error('no stick');
  expect(confirmationOf(stick)).toEqual({
    description: `${paths.dev}/sdb, SanDisk Ultra, 30.8 GB, usb, serial 4C530001230405117260`,
    word: '117260',
  });
  const [mapped, nvme] = targets;
  expect(mapped?.problems.map(({ kind }) => kind)).toEqual(['system']);
  expect(nvme?.problems.map(({ kind }) => kind)).toEqual(['held', 'system']);
});

test('lists what this machine has without an error', async () => {
  const targets = await listTargets();
  for (const { identity } of targets) expect(identity.sizeBytes).toBeGreaterThan(0);
});
