import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assertTarget, flashImage, planFlash, startFlash, targetProblems } from '@osforge/flasher';
import { captureFfu, partitionTypes, planGpt, type SectorSize, writeGpt } from '@osforge/disk-image';
import { gptHeadBytes, gptSectorBytes } from '../src/source/gpt-sector-bytes.ts';
import { image, loopDevice, mebibyte, oldDisk, scratch, selected, sha256File, tool } from './scratch.ts';

const size = 8 * mebibyte;

/** A disk with a partition table for sectors of some size. */
async function disk(folder: string, sectorSize: SectorSize): Promise<string> {
  const path = image(folder, size);
  writeFileSync(path, Buffer.alloc(mebibyte), { flag: 'r+' });
  await writeGpt(path, layout(sectorSize));
  return path;
}

const layout = (sectorSize: SectorSize): ReturnType<typeof planGpt> =>
  planGpt({
    sectorSize,
    diskSizeBytes: size,
    diskGuid: '5F1D6C1A-6E05-4F3B-9D38-1A4E5C8F0B23',
    partitions: [
      {
        name: 'data',
        typeGuid: partitionTypes.linuxData,
        guid: '0A9F2C4E-3D1B-4E6A-8C7F-2B5D9E1A6C30',
        sizeBytes: 'rest',
      },
    ],
  });

describe('the sector size of a partition table', () => {
  const header = (at: number, ownSector = 1n): Buffer => {
    const head = Buffer.alloc(gptHeadBytes);
    head.write('EFI PART', at, 'latin1');
    head.writeBigUInt64LE(ownSector, at + 24);
    return head;
  };

  test.each([
    ['for 512 bytes', header(512), 512],
    ['for 4096 bytes', header(4096), 4096],
    ['for none, by its own number', header(512, 8n), undefined],
    ['for none, without a header', Buffer.alloc(gptHeadBytes), undefined],
    ['for both', Buffer.from(header(512).map((byte, at) => byte | (header(4096)[at] ?? 0))), undefined],
    ['cut', header(4096).subarray(0, gptHeadBytes - 1), undefined],
    ['of nothing', Buffer.alloc(0), undefined],
  ])('%s', (_, head, expected) => {
    expect(gptSectorBytes(head)).toBe(expected);
  });
});

describe.each([
  [512, 4096],
  [4096, 512],
] as const)('as root: an image for sectors of %i bytes', (fits, other) => {
  test(`is refused by a disk with ${other}, before and during a flash, and that disk keeps what it holds`, async () => {
    const folder = scratch();
    const path = await disk(folder, fits);
    const backing = oldDisk(join(folder, 'wrong'), size);
    const wrong = loopDevice(backing, `--sector-size=${other}`);
    const right = loopDevice(oldDisk(join(folder, 'right'), size), `--sector-size=${fits}`);
    const file = join(folder, 'file.raw');
    const plan = await planFlash({ image: { path }, targets: [right, wrong, file] });
    expect(plan.image.sectorBytes).toBe(fits);
    const detail = `it has sectors of ${other} bytes, and the image is made for ${fits}`;
    expect(plan.targets.map(({ problems }) => problems)).toEqual([[], [{ kind: 'sector-size', detail }], []]);

    const before = sha256File(backing);
    const flash = await startFlash({ source: { path } });
    const first = flash.add(await selected(right));
    // One that joins later has nobody who planned it.
    const late = await flash.add(await selected(wrong));
    expect(await first).toMatchObject({ ok: true });
    expect(await flash.add(await selected(file))).toMatchObject({ ok: true });
    await flash.close();
    expect(late).toMatchObject({
      ok: false,
      error: { code: 'FLASHER_TARGET_REFUSED', fields: { problems: [{ kind: 'sector-size' }] } },
    });
    if (!late.ok)
      expect(late.error.message).toBe(
        `${wrong} is refused: ${detail}. Take a disk with the sectors of the image, or make the image for those of the disk: a system would not find its partitions.`,
      );
    tool('sync', backing);
    expect(sha256File(backing)).toBe(before);
    expect(readFileSync(file).equals(readFileSync(path))).toBe(true);
  });
});

test.each(['gz', 'xz', 'zst', 'qcow2', 'ffu'])('the plan knows it of a .%s', async (format) => {
  const folder = scratch();
  const raw = await disk(folder, 4096);
  const path = `${raw}.${format}`;
  if (format === 'ffu') await captureFfu({ source: raw, target: path, description: 'test', resume: false });
  else if (format === 'qcow2') tool('qemu-img', 'convert', '-O', 'qcow2', raw, path);
  else tool({ gz: 'gzip', xz: 'xz' }[format] ?? 'zstd', '--quiet', '--keep', raw);
  expect((await planFlash({ image: { path }, targets: [] })).image.sectorBytes).toBe(4096);
});

test('as root: an image without a partition table is for every disk', async () => {
  const folder = scratch();
  const path = image(folder, size);
  const device = loopDevice(oldDisk(join(folder, 'disk'), size), '--sector-size=4096');
  const plan = await planFlash({ image: { path }, targets: [device] });
  expect(plan.image.sectorBytes).toBeUndefined();
  const [target] = plan.targets;
  if (target === undefined) throw new Error('one target');
  expect(target.problems).toEqual([]);
  expect(targetProblems(target.info, size, 4096)).toEqual([]);
  expect(() => {
    assertTarget(target.info, size, 512);
  }).toThrow(/it has sectors of 4096 bytes, and the image is made for 512\. Take a disk/);
  const [result] = await flashImage({ source: { path }, targets: [target.info.identity] });
  expect(result).toMatchObject({ ok: true });
});
