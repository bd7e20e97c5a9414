import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { openExt4, openImage, openRaw, rawContentDigest, readGpt } from '@osforge/disk-image';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatParts, makePayload, type Payload } from '../../src/media/make-payload.ts';
import { makeSmallDisk } from './small-disk.ts';

let root: string;
let disk: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-payload-'));
  disk = await makeSmallDisk(root);
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function payloadOf(
  name: string,
  more: { contentSha256?: string; parallel?: number; signal?: AbortSignal } = {},
): Promise<{ folder: string; payload: Payload; fractions: number[] }> {
  const folder = path.join(root, name);
  await mkdir(folder);
  const reader = await openImage(disk, 'raw');
  const fractions: number[] = [];
  try {
    const payload = await makePayload({
      disk: reader,
      folder,
      contentSha256: await rawContentDigest(disk),
      signal: new AbortController().signal,
      onProgress: (fraction) => fractions.push(fraction),
      ...more,
    });
    return { folder, payload, fractions };
  } finally {
    await reader.close();
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('a larger disk full of something else, with the parts written, holds the partitions of the image', async () => {
  const { folder, payload, fractions } = await payloadOf('payload');
  expect(fractions.at(-1)).toBe(1);
  const target = path.join(root, 'target.raw');
  const file = await open(target, 'w');
  const noise = Buffer.alloc(1024 ** 2, 0xa5);
  for (let at = 0; at < 128; at += 1) await file.write(noise, 0, noise.length, at * noise.length);
  for (const part of payload.parts) {
    const packed = await readFile(path.join(folder, part.file));
    const bytes = zstdDecompressSync(packed);
    expect([packed.length, sha256(packed)]).toEqual([part.fileBytes, part.fileSha256]);
    expect([bytes.length, sha256(bytes)]).toEqual([part.length, part.sha256]);
    expect(part.offset % 4096).toBe(0);
    await file.write(bytes, 0, bytes.length, part.offset);
  }
  await file.close();
  expect(payload.parts.map(({ kind }) => kind).filter((kind) => kind === 'table')).toHaveLength(1);

  const reader = await openRaw(target);
  const source = await openRaw(disk);
  try {
    const { partitions, primaryOk } = await readGpt(source);
    expect(primaryOk).toBe(true);
    const [esp, ext4] = partitions;
    if (esp === undefined || ext4 === undefined) throw new Error('two partitions');
    const both = [
      await reader.read(esp.startBytes, esp.sizeBytes),
      await source.read(esp.startBytes, esp.sizeBytes),
    ];
    expect(sha256(both[0] ?? Buffer.alloc(0))).toBe(sha256(both[1] ?? Buffer.alloc(1)));
    const files = await openExt4(reader, ext4.startBytes);
    expect(Buffer.from(await files.readFile('/note')).toString()).toBe('hello\n');
    // What no file system owns is not written.
    const written = payload.parts.reduce((sum, { length }) => sum + length, 0);
    expect(written).toBeLessThan(64 * 1024 ** 2);
  } finally {
    await reader.close();
    await source.close();
  }
});

test('the same disk gives the same files, one after the other or several at once', async () => {
  const one = await payloadOf('one', { parallel: 1 });
  const other = await payloadOf('other', { parallel: 4 });
  expect(formatParts(one.payload.parts)).toBe(formatParts(other.payload.parts));
  expect(formatParts(one.payload.parts)).toMatch(
    /^0000\.zst\ttable\t0\t1048576\t[0-9a-f]{64}\t\d+\t[0-9a-f]{64}\n0001\.zst\trange\t1048576\t/,
  );
  const names = await readdir(one.folder);
  expect(await readdir(other.folder)).toEqual(names);
  for (const name of names)
    expect(
      (await readFile(path.join(one.folder, name))).equals(await readFile(path.join(other.folder, name))),
    ).toBe(true);
});

test('a disk that is not what was captured is refused', async () => {
  await expect(payloadOf('payload', { contentSha256: 'f'.repeat(64) })).rejects.toMatchObject({
    code: 'BUILD_INCONSISTENT',
    message: expect.stringContaining('captured with ffff') as string,
  });
});

test('it ends when it is cancelled', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(payloadOf('payload', { signal })).rejects.toThrow('enough');
});

test('a chain of overlays, as a machine leaves it, gives the payload of the disk that it holds', async () => {
  const raw = await payloadOf('raw');
  const overlay = path.join(root, 'overlay.qcow2');
  const base = ['-b', disk, '-F', 'raw'];
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, overlay]);
  const folder = path.join(root, 'chain');
  await mkdir(folder);
  const reader = await openImage(overlay, 'qcow2', { temporaryDirectory: root });
  try {
    const contentSha256 = await rawContentDigest(disk);
    const { signal } = new AbortController();
    const { parts } = await makePayload({
      disk: reader,
      folder,
      contentSha256,
      signal,
      onProgress: () => undefined,
    });
    expect(formatParts(parts)).toBe(formatParts(raw.payload.parts));
  } finally {
    await reader.close();
  }
  expect((await readdir(root)).filter((name) => name.startsWith('osforge-nbd-'))).toEqual([]);
});
