import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSparseFile,
  encodeGpt,
  GptFormatError,
  type GptLayout,
  GptPlanError,
  memoryReader,
  openRaw,
  partitionTypes,
  planGpt,
  readGpt,
  type SectorSize,
  writeGpt,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { seededRandom, tempFolder, tool } from './temp.ts';

const mib = 1024 * 1024;

function layout(sectorSize: SectorSize, diskSizeBytes = 64 * mib): GptLayout {
  return planGpt({
    sectorSize,
    diskSizeBytes,
    diskGuid: '11111111-2222-4333-8444-555555555555',
    partitions: [
      {
        name: 'ESP',
        typeGuid: partitionTypes.efiSystem,
        guid: 'AAAAAAAA-2222-4333-8444-555555555555',
        sizeBytes: 10 * mib + 1,
      },
      {
        name: 'root-ü🐧',
        typeGuid: partitionTypes.linuxRootX64,
        guid: 'bbbbbbbb-2222-4333-8444-555555555555',
        sizeBytes: 'rest',
        attributes: 1n << 59n,
      },
    ],
  });
}

function image(plan: GptLayout): Uint8Array {
  const bytes = new Uint8Array(plan.diskSizeBytes);
  for (const piece of encodeGpt(plan)) bytes.set(piece.bytes, piece.offset);
  return bytes;
}

describe('planning', () => {
  test('aligns to 1 MiB and rounds up to sectors', () => {
    const plan = layout(512);
    expect(plan.firstUsableLba).toBe(34);
    expect(plan.lastUsableLba).toBe(131072 - 34);
    expect(plan.partitions.map(({ startBytes, sizeBytes }) => [startBytes, sizeBytes])).toEqual([
      [mib, 10 * mib + 512],
      [12 * mib, (131072 - 33) * 512 - 12 * mib],
    ]);
  });

  test('the rest may be in the middle', () => {
    const plan = planGpt({
      sectorSize: 4096,
      diskSizeBytes: 64 * mib,
      diskGuid: '11111111-2222-4333-8444-555555555555',
      partitions: (['a', 'b', 'c'] as const).map((name, index) => ({
        name,
        typeGuid: partitionTypes.linuxData,
        guid: `0000000${index}-2222-4333-8444-555555555555`,
        sizeBytes: name === 'b' ? 'rest' : 5 * mib,
      })),
    });
    expect(plan.partitions.map(({ startBytes, sizeBytes }) => [startBytes / mib, sizeBytes / mib])).toEqual([
      [1, 5],
      [6, 52],
      [58, 5],
    ]);
  });

  const good = {
    name: 'p',
    typeGuid: partitionTypes.linuxData,
    guid: 'aaaaaaaa-2222-4333-8444-555555555555',
    sizeBytes: mib,
  };
  const disk = {
    sectorSize: 512 as const,
    diskSizeBytes: 8 * mib,
    diskGuid: '11111111-2222-4333-8444-555555555555',
  };
  test.each([
    ['too large', { ...disk, partitions: [{ ...good, sizeBytes: 8 * mib }] }],
    [
      'no room for the rest',
      { ...disk, diskSizeBytes: mib, partitions: [{ ...good, sizeBytes: 'rest' as const }] },
    ],
    ['no whole sectors', { ...disk, diskSizeBytes: 8 * mib + 1, partitions: [good] }],
    ['a disk without room', { ...disk, diskSizeBytes: 512 * 10, partitions: [] }],
    ['a long name', { ...disk, partitions: [{ ...good, name: 'x'.repeat(37) }] }],
    ['a bad GUID', { ...disk, partitions: [{ ...good, guid: 'x' }] }],
    ['a zero type', { ...disk, partitions: [{ ...good, typeGuid: '00000000-0000-0000-0000-000000000000' }] }],
    ['a GUID twice', { ...disk, partitions: [good, good] }],
    ['size zero', { ...disk, partitions: [{ ...good, sizeBytes: 0 }] }],
  ])('refuses %s', (_, request) => {
    expect(() => planGpt(request)).toThrow(GptPlanError);
  });
});

describe('bytes', () => {
  test.each([512, 4096] as const)('what is written is read back, %i-byte sectors', async (sectorSize) => {
    const plan = layout(sectorSize);
    expect(await readGpt(memoryReader(image(plan)))).toEqual({
      ...plan,
      numbers: [1, 2],
      primaryOk: true,
      backupOk: true,
    });
  });

  test('sgdisk finds no problem and sees the same partitions (512)', async () => {
    const path = join(await tempFolder(), 'disk.raw');
    await createSparseFile(path, 64 * mib);
    await writeGpt(path, layout(512));
    expect(await tool('sgdisk', '-v', path)).toContain('No problems found');
    const info = await tool('sgdisk', '-i', '2', path);
    // sgdisk writes the surrogate pair of the penguin as two sequences of its own.
    expect(info).toContain("Partition name: 'root-ü");
    expect(info).toContain('Partition unique GUID: BBBBBBBB-2222-4333-8444-555555555555');
    expect(info).toContain('Attribute flags: 0800000000000000');
    expect(info).toContain('First sector: 24576');
    const file = await open(path);
    const { blocks } = await file.stat();
    await file.close();
    expect(blocks * 512).toBeLessThan(256 * 1024);
  });

  test('as root: sgdisk finds no problem on a disk with 4096-byte sectors', async () => {
    const path = join(await tempFolder(), 'disk.raw');
    await createSparseFile(path, 64 * mib);
    await writeGpt(path, layout(4096));
    const device = (await tool('losetup', '--find', '--show', '--sector-size', '4096', path)).trim();
    try {
      expect(await tool('sgdisk', '-v', device)).toContain('No problems found');
      const print = await tool('sgdisk', '-p', device);
      expect(print).toContain('Sector size (logical/physical): 4096/');
      expect(print).toMatch(/2\s+3072\s+16378\s/);
      const reader = await openRaw(device);
      expect(reader.sizeBytes).toBe(64 * mib);
      expect((await readGpt(reader)).partitions).toEqual(layout(4096).partitions);
      await reader.close();
    } finally {
      await tool('losetup', '--detach', device);
    }
  });

  test('reads a table that sgdisk wrote', async () => {
    const path = join(await tempFolder(), 'disk.raw');
    await createSparseFile(path, 32 * mib);
    await tool('sgdisk', '-n', '1:2048:4095', '-c', '1:one', '-n', '3:8192:0', '-t', '3:ef00', path);
    const reader = await openRaw(path);
    const table = await readGpt(reader);
    await reader.close();
    expect(table).toMatchObject({ primaryOk: true, backupOk: true, sectorSize: 512 });
    expect(table.partitions).toMatchObject([
      { name: 'one', firstLba: 2048, lastLba: 4095 },
      { firstLba: 8192, typeGuid: partitionTypes.efiSystem },
    ]);
  });

  test.each([512, 4096] as const)(
    'uses the backup where the primary is damaged, %i-byte sectors',
    async (sectorSize) => {
      const plan = layout(sectorSize);
      const bytes = image(plan);
      bytes.fill(0, sectorSize, 2 * sectorSize);
      const result = await readGpt(memoryReader(bytes));
      expect(result).toMatchObject({ ...plan, primaryOk: false, backupOk: true });
      expect(result.problem).toContain('signature');
    },
  );

  test('a grown disk is read by its primary, which still names the backup', async () => {
    const bytes = new Uint8Array(65 * mib);
    bytes.set(image(layout(512)));
    expect(await readGpt(memoryReader(bytes))).toMatchObject({ primaryOk: true, backupOk: true });
  });

  test('any flipped bit is noticed in one copy, and the other still gives the table', async () => {
    const random = seededRandom(1);
    const plan = layout(512);
    const pieces = encodeGpt(plan);
    const bytes = image(plan);
    for (let round = 0; round < 400; round += 1) {
      const piece = pieces[random(2)] ?? pieces[0];
      if (piece === undefined) throw new Error('no piece');
      const at = piece.offset + random(piece.bytes.length);
      const inHeader =
        (at >= 512 && at < 512 + 92) || (at >= bytes.length - 512 && at < bytes.length - 512 + 92);
      const inEntries =
        (at >= 1024 && at < 34 * 512) || (at >= bytes.length - 33 * 512 && at < bytes.length - 512);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      const result = await readGpt(memoryReader(bytes));
      expect(result.partitions).toEqual(plan.partitions);
      expect(result.primaryOk && result.backupOk, `byte ${at}`).toBe(!inHeader && !inEntries);
      bytes.set(piece.bytes, piece.offset);
    }
  });

  test('hostile bytes give typed errors only', async () => {
    const random = seededRandom(2);
    const good = image(layout(512, 2 * mib + 12 * mib));
    for (let round = 0; round < 300; round += 1) {
      const bytes = good.slice();
      for (const base of [512, bytes.length - 512]) {
        for (let count = 0; count < 4; count += 1) bytes[base + 8 + random(84)] = random(256);
        // Correct CRCs, so that the checks behind them are reached.
        const header = Buffer.from(bytes.buffer, base, 92);
        header.writeUInt32LE(0, 16);
        const { crc32 } = await import('node:zlib');
        const size = header.readUInt32LE(12);
        if (size >= 92 && size <= 512) header.writeUInt32LE(crc32(bytes.subarray(base, base + size)), 16);
      }
      try {
        await readGpt(memoryReader(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(GptFormatError);
      }
    }
  });

  test('no table is a typed error', async () => {
    await expect(readGpt(memoryReader(new Uint8Array(mib)))).rejects.toThrow(GptFormatError);
    await expect(readGpt(memoryReader(new Uint8Array(100)))).rejects.toThrow(GptFormatError);
  });

  test('the same layout gives the same bytes', async () => {
    const folder = await tempFolder();
    for (const name of ['a', 'b']) {
      await createSparseFile(join(folder, name), 64 * mib);
      await writeGpt(join(folder, name), layout(512));
    }
    expect((await readFile(join(folder, 'a'))).equals(await readFile(join(folder, 'b')))).toBe(true);
  });
});
