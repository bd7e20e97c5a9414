import { copyFile, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSparseFile,
  Ext4FormatError,
  type Ext4State,
  FatFormatError,
  type FatState,
  ImageBoundsError,
  isImageFormatError,
  isTransientDiskImageError,
  DiskFullError,
  memoryReader,
  openRaw,
  readExt4State,
  readFatState,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { seededRandom, tempFolder, tool, toolExit } from './temp.ts';

const mib = 1024 * 1024;

async function ext4State(path: string): Promise<Ext4State> {
  const reader = await openRaw(path);
  try {
    return await readExt4State(reader);
  } finally {
    await reader.close();
  }
}

async function fatState(path: string): Promise<FatState> {
  const reader = await openRaw(path);
  try {
    return await readFatState(reader);
  } finally {
    await reader.close();
  }
}

async function patch(path: string, offset: number, bytes: readonly number[]): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Uint8Array.from(bytes), 0, bytes.length, offset);
  await file.close();
}

describe('ext4', () => {
  async function make(...options: string[]): Promise<string> {
    const path = join(await tempFolder(), 'fs');
    await createSparseFile(path, 64 * mib);
    await tool('mkfs.ext4', '-q', '-F', '-L', 'a label', ...options, path);
    return path;
  }

  test('as root: cut off while mounted, it needs recovery; after e2fsck and after unmounting it is clean', async () => {
    const path = await make();
    const folder = join(path, '..');
    await tool('mkdir', join(folder, 'mnt'));
    await tool('mount', '-o', 'loop', path, join(folder, 'mnt'));
    try {
      await writeFile(join(folder, 'mnt/file'), Buffer.alloc(mib, 1));
      // The file's metadata goes to the journal and not to its place yet: what a power cut leaves.
      await tool('sync', '-f', join(folder, 'mnt/file'));
      await copyFile(path, join(folder, 'cut'));
    } finally {
      // Made clean before the unmount, which a mount namespace of somebody else may put off.
      await tool('mount', '-o', 'remount,ro', join(folder, 'mnt'));
      await tool('umount', join(folder, 'mnt'));
    }
    expect((await ext4State(join(folder, 'cut'))).state).toBe('needs-recovery');
    expect((await toolExit('e2fsck', '-fn', join(folder, 'cut'))).output).toContain(
      'skipping journal recovery',
    );
    await toolExit('e2fsck', '-fy', join(folder, 'cut'));
    expect((await ext4State(join(folder, 'cut'))).state).toBe('clean');
    expect((await ext4State(path)).state).toBe('clean');
  });

  test('agrees with dumpe2fs', async () => {
    const path = await make('-b', '1024');
    const state = await ext4State(path);
    const dump = await tool('dumpe2fs', '-h', path);
    expect(dump).toContain(`Filesystem UUID:          ${state.uuid}`);
    expect(dump).toContain(`Filesystem volume name:   ${state.label}`);
    expect(dump).toMatch(new RegExp(`Free blocks:\\s+${state.freeBytes / 1024}\n`));
    expect(dump).toMatch(new RegExp(`Free inodes:\\s+${state.freeInodes}\n`));
    expect(state).toMatchObject({ state: 'clean', blockSize: 1024, sizeBytes: 64 * mib });
  });

  test.each([
    ['feature needs_recovery', 'needs-recovery'],
    ['set_super_value state 0', 'not-clean'],
    ['set_super_value state 3', 'errors'],
    ['set_super_value error_count 2', 'errors'],
    ['set_super_value last_orphan 12', 'not-clean'],
  ])('debugfs %s: %s', async (command, state) => {
    const path = await make();
    await tool('debugfs', '-w', '-R', command, path);
    expect((await ext4State(path)).state).toBe(state);
  });

  test('a superblock with a wrong checksum is refused', async () => {
    const path = await make();
    await patch(path, 1024 + 120, [0x41]);
    await expect(ext4State(path)).rejects.toThrow('checksum');
  });

  test('other bytes are typed errors', async () => {
    await expect(readExt4State(memoryReader(new Uint8Array(4096)))).rejects.toThrow(Ext4FormatError);
    await expect(readExt4State(memoryReader(new Uint8Array(1500)))).rejects.toThrow(ImageBoundsError);
  });
});

describe('FAT', () => {
  async function make(type: 12 | 16 | 32): Promise<string> {
    const path = join(await tempFolder(), 'fs');
    await createSparseFile(path, { 12: 4, 16: 32, 32: 64 }[type] * mib);
    await tool(
      'mkfs.fat',
      '-F',
      String(type),
      '-s',
      type === 12 ? '8' : '1',
      '-n',
      'LABEL',
      '-i',
      'CAFE0001',
      path,
    );
    return path;
  }

  test.each([12, 16, 32] as const)('FAT%i as mkfs.fat makes it is clean', async (type) => {
    expect(await fatState(await make(type))).toMatchObject({
      type,
      dirty: false,
      ioErrors: false,
      volumeId: 'CAFE0001',
      label: 'LABEL',
    });
  });

  // The state byte of the boot sector, which Linux sets while mounted.
  test.each([
    [12, 37],
    [16, 37],
    [32, 65],
  ] as const)(
    'FAT%i with the boot sector’s dirty bit is dirty, and fsck.fat agrees',
    async (type, offset) => {
      const path = await make(type);
      await patch(path, offset, [1]);
      expect(await fatState(path)).toMatchObject({ dirty: true, ioErrors: false });
      expect((await toolExit('fsck.fat', '-n', path)).output).toContain('Dirty bit is set');
    },
  );

  // FAT[1]: a cleared bit means dirty, the next one I/O errors (Microsoft's specification).
  test('FAT16 and FAT32 say it in the table too', async () => {
    const fat16 = await make(16);
    const table16 = 512 * (await reserved(fat16)) + 2;
    await patch(fat16, table16, [0xff, 0x7f]);
    expect(await fatState(fat16)).toMatchObject({ type: 16, dirty: true, ioErrors: false });
    await patch(fat16, table16, [0xff, 0xbf]);
    expect(await fatState(fat16)).toMatchObject({ dirty: false, ioErrors: true });
    const fat32 = await make(32);
    const table32 = 512 * (await reserved(fat32)) + 4;
    await patch(fat32, table32, [0xff, 0xff, 0xff, 0x07]);
    expect(await fatState(fat32)).toMatchObject({ type: 32, dirty: true, ioErrors: false });
    await patch(fat32, table32, [0xff, 0xff, 0xff, 0x0b]);
    expect(await fatState(fat32)).toMatchObject({ dirty: false, ioErrors: true });
  });

  async function reserved(path: string): Promise<number> {
    const reader = await openRaw(path);
    const boot = Buffer.from(await reader.read(0, 512));
    await reader.close();
    return boot.readUInt16LE(14);
  }

  test('hostile boot sectors give typed errors only', async () => {
    const reader = await openRaw(await make(16));
    const good = await reader.read(0, 64 * 1024);
    await reader.close();
    const random = seededRandom(5);
    for (let round = 0; round < 1000; round += 1) {
      const bytes = good.slice();
      for (let count = 0; count < 3; count += 1) bytes[11 + random(40)] = random(256);
      try {
        await readFatState(memoryReader(bytes));
      } catch (error) {
        expect(error instanceof FatFormatError || error instanceof ImageBoundsError, String(error)).toBe(
          true,
        );
      }
    }
    await expect(readFatState(memoryReader(new Uint8Array(512)))).rejects.toThrow(FatFormatError);
  });
});

test('which errors are about the image, and which may pass', () => {
  expect(isImageFormatError(new Ext4FormatError('x'))).toBe(true);
  expect(isImageFormatError(new DiskFullError('x'))).toBe(false);
  expect(isTransientDiskImageError(new DiskFullError('x'))).toBe(true);
  expect(isTransientDiskImageError(new Error('x'))).toBe(false);
});
