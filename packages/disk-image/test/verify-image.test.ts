import { createHash } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { captureFfu, rawContentDigest, verifyImage, type VerifyImageReport } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeSampleDisk } from './sample-disk.ts';
import { tempFolder, tool } from './temp.ts';

async function patch(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
}

const failed = ({ checks }: VerifyImageReport): string[] =>
  checks.flatMap(({ name, status, detail }) => (status === 'failed' ? [`${name}: ${detail}`] : []));

test('sound images of every format hold, against SHA256SUMS and the manifest as well', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const at = (name: string): string => join(folder, name);
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path, at('disk.qcow2'));
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'vhdx', path, at('disk.vhdx'));
  await tool('zstd', '-q', '-k', path, '-o', at('disk.raw.zst'));
  await captureFfu({ source: path, target: at('disk.ffu') });
  const images = ['disk.raw', 'disk.qcow2', 'disk.vhdx', 'disk.raw.zst', 'disk.ffu'];
  const artifacts = await Promise.all(
    images.map(async (name) => {
      const bytes = await readFile(at(name));
      return { name, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    }),
  );
  const rawDisk = { sizeBytes: 32 * 1024 * 1024, sha256: await rawContentDigest(path) };
  await writeFile(at('manifest.json'), JSON.stringify({ artifacts, rawDisk }));
  await writeFile(
    at('SHA256SUMS'),
    artifacts.map(({ name, sha256 }) => `${sha256}  ${basename(name)}\n`).join(''),
  );
  for (const name of images) {
    const report = await verifyImage(at(name));
    expect(failed(report), name).toEqual([]);
    expect(report.ok).toBe(true);
    const said = report.checks.map((check) => `${check.name} ${check.status}`);
    expect(said.filter((text) => text === 'checksums ok')).toHaveLength(2);
    expect(said).toContain('disk ok');
    expect(said).toContain('gpt ok');
    if (name !== 'disk.raw') expect(said).toContain(`${report.format} ok`);
  }
  // The list is right, the disk is another one.
  await writeFile(
    at('manifest.json'),
    JSON.stringify({ artifacts, rawDisk: { ...rawDisk, sha256: '0'.repeat(64) } }),
  );
  for (const name of images)
    expect(failed(await verifyImage(at(name))), name).toEqual([
      expect.stringMatching(/^disk: .*manifest\.json says SHA-256 0{64} of the disk, but it has /) as string,
    ]);
});

test('a verification that is cancelled at once, or that has a wrong key, ends before anything is read', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  await writeFile(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  disk.raw\n`);
  const reason = new Error('enough');
  await expect(verifyImage(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(verifyImage(path, { publicKey: 'none' })).rejects.toMatchObject({
    code: 'DISK_IMAGE_SIGNATURE',
  });
  // At whatever moment: a rejection that nobody handles would end the run of the tests.
  for (let delayMs = 0; delayMs < 12; delayMs += 1) {
    const controller = new AbortController();
    const verifying = verifyImage(path, { signal: controller.signal });
    setTimeout(() => {
      controller.abort(reason);
    }, delayMs);
    await verifying.catch(() => undefined);
  }
});

test('where one of the checks cannot be made, the others are ended', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  await tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', path, '-F', 'raw', join(folder, 'on.qcow2'));
  await writeFile(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  on.qcow2\n`);
  // To hash all of it would take longer than a test may.
  await truncate(join(folder, 'on.qcow2'), 2 ** 42);
  await expect(verifyImage(join(folder, 'on.qcow2'))).rejects.toMatchObject({ code: 'DISK_IMAGE_BACKING' });
});

test('damage is told with its place', async () => {
  const folder = await tempFolder();
  const { path, rootStart, espStart } = await makeSampleDisk(folder, 'disk.raw');
  const sum = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  await writeFile(join(folder, 'SHA256SUMS'), `${sum} *disk.raw\n`);
  expect((await verifyImage(path)).ok).toBe(true);
  await patch(path, rootStart + 1024 + 200, Buffer.from([0xff]));
  await patch(path, 1024 + 5, Buffer.from([0xff]));
  const report = await verifyImage(path);
  expect(failed(report).join('\n')).toMatch(
    /^checksums: .*SHA256SUMS says SHA-256 [0-9a-f]{64}, but the file has /m,
  );
  expect(failed(report).join('\n')).toMatch(/^gpt: primary .*CRC/m);
  expect(failed(report).join('\n')).toMatch(
    new RegExp(`^partition 2 \\(root\\): ext4 at byte ${rootStart}: .*checksum`, 'm'),
  );
  expect(espStart).toBeGreaterThan(0);
});

test('an FFU with one changed byte, a cut zstd, a qcow2 with a broken table', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const ffu = join(folder, 'disk.ffu');
  await captureFfu({ source: path, target: ffu });
  const size = (await readFile(ffu)).length;
  await patch(ffu, size - 5000, Buffer.from([0xa5]));
  expect(failed(await verifyImage(ffu)).join('\n')).toMatch(
    /^ffu: 1 of \d+ chunks are damaged, the first at byte \d+ of the file/m,
  );
  const zst = join(folder, 'disk.raw.zst');
  await tool('zstd', '-q', '-k', path, '-o', zst);
  await writeFile(zst, (await readFile(zst)).subarray(0, -100));
  expect(failed(await verifyImage(zst)).join('\n')).toMatch(/^disk: .*cannot be expanded behind byte \d+/m);
  const qcow2 = join(folder, 'disk.qcow2');
  await tool('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path, qcow2);
  const table = (await readFile(qcow2)).readBigUInt64BE(40);
  await patch(qcow2, Number(table), Buffer.from([0x80, 0, 0, 0, 0, 0, 0x12, 0x34]));
  const broken = await verifyImage(qcow2);
  expect(broken.ok).toBe(false);
  expect(failed(broken).join('\n')).toMatch(/^qcow2: /m);
  const cut = join(folder, 'cut.ffu');
  await writeFile(cut, (await readFile(ffu)).subarray(0, 200_000));
  expect(failed(await verifyImage(cut)).join('\n')).toMatch(/^ffu: FFU, /m);
});

test('lists that are wrong, or of other images, are remarks', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  await writeFile(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  other.raw\n`);
  await writeFile(join(folder, 'manifest.json'), '{');
  const report = await verifyImage(path);
  expect(report.ok).toBe(true);
  const notes = report.checks.filter(({ status }) => status === 'note').map(({ detail }) => detail);
  expect(notes.join('\n')).toMatch(/SHA256SUMS: it does not name disk\.raw\n.*manifest\.json: it is no JSON/);
});
