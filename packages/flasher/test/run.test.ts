import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  type FlashEvent,
  type FlashRunResult,
  planFlash,
  planTargets,
  remedyOf,
  runFlash,
  type RunFlashOptions,
  verifyReceipt,
  type FlashPlan,
} from '@osforge/flasher';
import {
  captureFfu,
  createBmap,
  encodeBmap,
  openImage,
  partitionTypes,
  planGpt,
  writeGpt,
} from '@osforge/disk-image';
import { image, loopDevice, mebibyte, oldDisk, scratch, sha256File, tmpfs, tool } from './scratch.ts';

async function run(
  plan: FlashPlan,
  options: RunFlashOptions = {},
  onEvent: (event: FlashEvent) => void = () => {},
): Promise<{ result: FlashRunResult; events: FlashEvent[] }> {
  const { events$, result } = runFlash(plan, options);
  const events: FlashEvent[] = [];
  events$.subscribe((event) => {
    events.push(event);
    onEvent(event);
  });
  return { result: await result, events };
}

async function writeBmap(raw: string, path: string): Promise<void> {
  const reader = await openImage(raw, 'raw');
  try {
    writeFileSync(path, encodeBmap(await createBmap(reader)));
  } finally {
    await reader.close();
  }
}

const kinds = (plan: FlashPlan): string[][] =>
  plan.targets.map(({ problems }) => problems.map(({ kind }) => kind));

describe('the plan', () => {
  test('as root: tells the image, its own loop device, a double and a device that is too small from a target', async () => {
    const folder = scratch();
    const path = image(folder, 4 * mebibyte);
    const over = loopDevice(path);
    const small = loopDevice(oldDisk(join(folder, 'small'), mebibyte));
    const good = loopDevice(oldDisk(join(folder, 'good'), 4 * mebibyte));
    symlinkSync(good, join(folder, 'by-name'));
    const plan = await planFlash({
      image: { path },
      targets: [path, over, small, good, join(folder, 'by-name'), join(folder, 'new')],
    });
    expect(kinds(plan)).toEqual([
      ['backing-file', 'holds-source'],
      ['holds-source'],
      ['too-small'],
      [],
      ['duplicate'],
      [],
    ]);
    expect(plan.targets.map(({ exists }) => exists)).toEqual([true, true, true, true, true, false]);
    expect(plan.targets[4]?.problems[0]?.detail).toContain(good);
    expect(remedyOf('duplicate')).toBe('Name each target once.');
  });

  test('finds the checksum, and uses a map beside the image only where a checksum of the disk would tell', async () => {
    const folder = scratch();
    const path = image(folder, 3 * mebibyte);
    const map = join(folder, 'image.bmap');
    await writeBmap(path, map);
    const bare = await planFlash({ image: { path }, targets: [] });
    expect(bare.image.source.bmapPath).toBeUndefined();
    expect(bare.image.vouchers).toEqual([]);
    expect(bare.image.remarks.join()).toContain('no checksum beside it');
    expect(bare.image.remarks.join()).toContain(`${map} is not used`);
    writeFileSync(join(folder, 'SHA256SUMS'), `${sha256File(path)}  image.raw\n`);
    const { image: vouched } = await planFlash({ image: { path }, targets: [] });
    expect(vouched.source).toMatchObject({ bmapPath: map, sha256: sha256File(path) });
    expect(vouched.vouchers).toEqual([join(folder, 'SHA256SUMS')]);
    expect(vouched.remarks).toEqual([]);
  });

  test('finds the map that a capture puts beside x.raw.zst, by the digest of the disk in the manifest', async () => {
    const folder = scratch();
    const raw = image(folder, 3 * mebibyte);
    await writeBmap(raw, join(folder, 'image.raw.bmap'));
    tool('sh', '-c', `zstd -q -1 <${raw} >${raw}.zst`);
    const disk = { sizeBytes: 3 * mebibyte, sha256: sha256File(raw) };
    const artifacts = [
      {
        name: 'image.raw.zst',
        sizeBytes: readFileSync(`${raw}.zst`).length,
        sha256: sha256File(`${raw}.zst`),
      },
    ];
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts, rawDisk: disk }));
    const { image: planned } = await planFlash({ image: { path: `${raw}.zst` }, targets: [] });
    expect(planned).toMatchObject({
      format: 'zstd',
      sizeBytes: 3 * mebibyte,
      source: { bmapPath: join(folder, 'image.raw.bmap'), sha256: disk.sha256 },
    });
  });

  test('refuses a digest that is none', async () => {
    const path = image(scratch(), mebibyte);
    await expect(planFlash({ image: { path, sha256: 'abc' }, targets: [] })).rejects.toMatchObject({
      code: 'FLASHER_OPTION',
    });
    await expect(planFlash({ image: { path: `${path}.none` }, targets: [] })).rejects.toMatchObject({
      code: 'FLASHER_SOURCE',
      fields: { reason: 'missing' },
    });
  });

  test('a folder that takes no new file is told before anything is written', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'closed'));
    chmodSync(join(folder, 'closed'), 0o555);
    const [target] = await planTargets(['/proc/osforge-target'], {
      imagePath: undefined,
      imageSizeBytes: undefined,
    });
    // Root may write into a closed folder of its own, but into none of /proc.
    if (process.getuid?.() === 0) expect(target?.problems).toEqual([]);
    else
      expect(target?.problems).toMatchObject([
        { kind: 'unreadable', detail: 'you may not make files in /proc' },
      ]);
  });
});

describe('the run', () => {
  test('as root: one bad target leaves the others complete, with signed receipts, and events that say so', async () => {
    const folder = scratch();
    const path = image(folder, 20 * mebibyte);
    writeFileSync(join(folder, 'SHA256SUMS'), `${sha256File(path)}  image.raw\n`);
    const loop = loopDevice(oldDisk(join(folder, 'good'), 24 * mebibyte));
    const full = join(tmpfs(4 * mebibyte), 'full.raw');
    const plan = await planFlash({ image: { path }, targets: [loop, full, join(folder, 'file.raw')] });
    const receipts = join(folder, 'receipts');
    mkdirSync(receipts);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const { result, events } = await run(plan, { receipts: { folder: receipts, privateKey }, probe: true });
    expect(result.targets.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(result.outcome).toBe('failed');
    expect(events.map(({ type }) => type)).toContain('flash.checking');
    expect(events.at(-1)).toMatchObject({ type: 'flash.failed', data: { complete: 2, failed: 1 } });
    const failed = events.find(({ type }) => type === 'flash.target-failed');
    expect(failed?.data).toMatchObject({ target: full, state: 'failed', code: 'FLASHER_TARGET_FULL' });
    // Only a device can claim a capacity.
    const probed = events.flatMap(({ data }) =>
      'state' in data && data.state === 'probing' ? [data.target] : [],
    );
    expect(probed).toEqual([loop]);
    const name = `${loop.slice('/dev/'.length)}.receipt.json`;
    expect(readdirSync(receipts).sort()).toEqual(
      [name, `${name}.sig`, 'file.raw.receipt.json', 'file.raw.receipt.json.sig'].sort(),
    );
    const text = readFileSync(join(receipts, name), 'utf8');
    const receipt = verifyReceipt(text, readFileSync(join(receipts, `${name}.sig`)), publicKey);
    expect(receipt.image.sha256).toBe(sha256File(path));
    expect(sha256File(join(folder, 'file.raw'))).toBe(sha256File(path));
  });

  test('an image that its list does not vouch for is found out before any target loses anything', async () => {
    const folder = scratch();
    const path = image(folder, 2 * mebibyte);
    writeFileSync(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  image.raw\n`);
    const old = oldDisk(join(folder, 'old'), 2 * mebibyte);
    const before = sha256File(old);
    const { result, events } = await run(await planFlash({ image: { path }, targets: [old] }));
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'FLASHER_SOURCE' } });
    expect(result.error?.message).toContain('SHA256SUMS');
    expect(events.at(-1)).toMatchObject({
      type: 'flash.failed',
      data: { code: 'FLASHER_SOURCE', failed: 1 },
    });
    expect(sha256File(old)).toBe(before);
  });

  test.each(['of the file', 'of the disk inside'])('takes a digest %s', async (what) => {
    const folder = scratch();
    const raw = image(folder, 2 * mebibyte);
    tool('sh', '-c', `gzip -1 <${raw} >${raw}.gz`);
    const path = `${raw}.gz`;
    const sha256 = sha256File(what === 'of the file' ? path : raw);
    const good = join(folder, 'good');
    const { result } = await run(await planFlash({ image: { path, sha256 }, targets: [good] }));
    expect(result.outcome).toBe('completed');
    expect(sha256File(good)).toBe(sha256File(raw));
    const other = await run(
      await planFlash({ image: { path, sha256: '0'.repeat(64) }, targets: [join(folder, 'bad')] }),
    );
    expect(other.result.targets).toMatchObject([{ ok: false, error: { code: 'FLASHER_SOURCE' } }]);
  });

  test('cancelled in the middle it says so, and goes on there the next time, with a new file too', async () => {
    const folder = scratch();
    const path = image(folder, 40 * mebibyte, 2);
    const target = join(folder, 'target');
    const journalFolder = join(folder, 'journal');
    const cancel = new AbortController();
    const options = { journalFolder, rangeBytes: 2 * mebibyte };
    const first = await run(
      await planFlash({ image: { path }, targets: [target] }),
      { ...options, signal: cancel.signal },
      ({ data }) => {
        if ('verifiedBytes' in data && data.verifiedBytes >= 8 * mebibyte) cancel.abort();
      },
    );
    expect(first.result.outcome).toBe('cancelled');
    expect(first.events.at(-1)).toMatchObject({ type: 'flash.cancelled', data: { complete: 0 } });
    expect(first.events.at(-2)).toMatchObject({
      type: 'flash.target-failed',
      data: { state: 'cancelled', code: 'FLASHER_CANCELLED' },
    });
    const second = await run(await planFlash({ image: { path }, targets: [target] }), options);
    expect(second.result.outcome).toBe('completed');
    const done = second.events.find(({ type }) => type === 'flash.target-completed');
    const resumedBytes = done !== undefined && 'resumedBytes' in done.data ? done.data.resumedBytes : 0;
    expect(resumedBytes).toBeGreaterThanOrEqual(4 * mebibyte);
    expect(sha256File(target)).toBe(sha256File(path));
  });

  test('a receipt that cannot be kept fails its target, and says that it is complete', async () => {
    const folder = scratch();
    const path = image(folder, mebibyte);
    const plan = await planFlash({ image: { path }, targets: [join(folder, 'target')] });
    const { result } = await run(plan, { receipts: { folder: join(folder, 'gone') } });
    expect(result.targets).toMatchObject([
      { ok: false, error: { code: 'FLASHER_RECEIPT', fields: { reason: 'write' } } },
    ]);
    expect(sha256File(join(folder, 'target'))).toBe(sha256File(path));
  });

  test('a file that took the place of the chosen one is left alone', async () => {
    const folder = scratch();
    const path = image(folder, mebibyte);
    const target = oldDisk(join(folder, 'target'), mebibyte);
    const plan = await planFlash({ image: { path }, targets: [target] });
    renameSync(oldDisk(join(folder, 'other'), mebibyte), target);
    const before = sha256File(target);
    const { result } = await run(plan);
    expect(result.targets).toMatchObject([{ ok: false, error: { code: 'FLASHER_TARGET_CHANGED' } }]);
    expect(sha256File(target)).toBe(before);
  });
});

describe('an FFU', () => {
  test('with several disks is refused, as one target takes one of them', async () => {
    const folder = scratch();
    const path = join(folder, 'two-disks.ffu');
    const packed = readFileSync(join(import.meta.dirname, 'fixtures/two-disks.ffu.zst'));
    writeFileSync(path, zstdDecompressSync(packed));
    const old = oldDisk(join(folder, 'old'), 8 * mebibyte);
    const before = sha256File(old);
    await expect(planFlash({ image: { path }, targets: [old] })).rejects.toMatchObject({
      code: 'FLASHER_SOURCE',
      message: `${path} has 2 disks, of which a target takes one: take it out first (osforge convert --disk)`,
    });
    expect(sha256File(old)).toBe(before);
  });

  test('is written as the disk inside; one that is damaged is found out before', async () => {
    const folder = scratch();
    const raw = image(folder, 8 * mebibyte);
    const partition = { name: 'data', typeGuid: partitionTypes.efiSystem, sizeBytes: 4 * mebibyte };
    const guids = ['5f0c7d1e-0000-4000-8000-000000000001', '5f0c7d1e-0000-4000-8000-000000000002'] as const;
    const layout = planGpt({
      sectorSize: 512,
      diskSizeBytes: 8 * mebibyte,
      diskGuid: guids[0],
      partitions: [{ ...partition, guid: guids[1] }],
    });
    await writeGpt(raw, layout);
    const path = join(folder, 'image.ffu');
    await captureFfu({ source: raw, target: path, description: 'test', resume: false });
    const target = join(folder, 'target');
    const { result } = await run(await planFlash({ image: { path }, targets: [target] }));
    expect(result).toMatchObject({
      outcome: 'completed',
      targets: [{ receipt: { image: { format: 'ffu' } } }],
    });
    expect(sha256File(target)).toBe(sha256File(raw));
    const bytes = readFileSync(path);
    bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const old = oldDisk(join(folder, 'old'), 8 * mebibyte);
    const before = sha256File(old);
    const damaged = await run(await planFlash({ image: { path }, targets: [old] }));
    expect(damaged.result).toMatchObject({
      outcome: 'failed',
      error: { code: 'FLASHER_SOURCE', fields: { reason: 'damaged' } },
    });
    expect(sha256File(old)).toBe(before);
  });
});
