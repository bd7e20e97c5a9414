import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { artifactPath, CheckpointArtifactError, recordArtifact, verifyArtifact } from '@osforge/checkpoint';
import { expect, test } from 'vitest';
import { tempDirectory } from './temp-directory.ts';

const content = Buffer.from('the content of a disk'.repeat(1000));
const sha256 = '51e035b5464c66fb1a0ec7b5ae04397f68b8ed753f87659244184b341d8b30d1';

async function recorded() {
  const buildDirectory = join(tempDirectory(), 'build');
  const path = join(buildDirectory, 'work', 'disk.raw');
  mkdirSync(join(buildDirectory, 'work'), { recursive: true });
  writeFileSync(path, content);
  const record = await recordArtifact(path, { name: 'disk', retention: 'transient', buildDirectory });
  return { buildDirectory, path, record };
}

test('an artifact is recorded relative to the build folder, with size, digest and identity', async () => {
  const { buildDirectory, path, record } = await recorded();
  const stat = statSync(path, { bigint: true });
  expect(record).toEqual({
    name: 'disk',
    path: 'work/disk.raw',
    sizeBytes: content.length,
    sha256,
    retention: 'transient',
    identity: { mtimeNs: String(stat.mtimeNs), ctimeNs: String(stat.ctimeNs), inode: String(stat.ino) },
  });
  expect(await verifyArtifact(record, { buildDirectory })).toEqual({ ok: true, how: 'identity' });
  expect(await verifyArtifact(record, { buildDirectory, deep: true })).toEqual({ ok: true, how: 'digest' });
});

test('a file outside of the build folder is recorded by absolute path', async () => {
  const directory = tempDirectory();
  const path = join(directory, 'cache.deb');
  writeFileSync(path, content);
  for (const buildDirectory of [undefined, join(directory, 'build'), join(directory, 'cache')]) {
    const options = buildDirectory === undefined ? {} : { buildDirectory };
    const record = await recordArtifact(path, { name: 'deb', retention: 'cache', ...options });
    expect(record.path).toBe(path);
    expect(await verifyArtifact(record)).toEqual({ ok: true, how: 'identity' });
  }
});

test('a relative path is not guessed at', async () => {
  const { record } = await recorded();
  await expect(verifyArtifact(record)).rejects.toBeInstanceOf(CheckpointArtifactError);
  expect(artifactPath(record, '/x')).toBe('/x/work/disk.raw');
});

test('a digest that is given is taken, and the size that is given is checked', async () => {
  const { path } = await recorded();
  const given = 'ab'.repeat(32);
  const options = { name: 'disk', retention: 'output', sha256: given } as const;
  expect((await recordArtifact(path, { ...options, sizeBytes: content.length })).sha256).toBe(given);
  await expect(recordArtifact(path, { ...options, sizeBytes: 1 })).rejects.toMatchObject({ reason: 'size' });
});

test('a deleted artifact is missed', async () => {
  const { buildDirectory, path, record } = await recorded();
  rmSync(path);
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'missing' });
  mkdirSync(path);
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'missing' });
});

test('a shortened artifact is noticed without reading it', async () => {
  const { buildDirectory, path, record } = await recorded();
  truncateSync(path, content.length - 1);
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'size' });
});

test('one flipped byte is noticed', async () => {
  const { buildDirectory, path, record } = await recorded();
  flipByte(path);
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'digest' });
});

test('one flipped byte is noticed also where size and modification time were put back', async () => {
  const { buildDirectory, path, record } = await recorded();
  const before = statSync(path);
  flipByte(path);
  utimesSync(path, before.atime, before.mtime);
  expect(statSync(path)).toMatchObject({ size: before.size, ino: before.ino });
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'digest' });
});

test('a file is recorded only when a later change is sure to show', async () => {
  // A byte flipped within the tick of the kernel's file clock (1 to 10 ms before Linux 6.13) would not.
  for (let round = 0; round < 10; round += 1) {
    const { buildDirectory, path, record } = await recorded();
    expect(Date.now() - Number(BigInt(record.identity.ctimeNs) / 1_000_000n)).toBeGreaterThanOrEqual(20);
    flipByte(path);
    expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'digest' });
  }
});

test('a file whose clock runs ahead of ours is always hashed', async () => {
  const { buildDirectory, path } = await recorded();
  const now = () => Date.now() - 60_000;
  const record = await recordArtifact(path, { name: 'disk', retention: 'output', buildDirectory, now });
  expect(record.identity.ctimeNs).toBe('0');
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: true, how: 'digest' });
});

test('a file that was touched but holds the same is right, and its new identity is given', async () => {
  const { buildDirectory, path, record } = await recorded();
  utimesSync(path, 1, 1);
  const verdict = await verifyArtifact(record, { buildDirectory });
  expect(verdict).toMatchObject({ ok: true, how: 'digest' });
  if (!verdict.ok || verdict.refreshed === undefined) throw new Error('expected a refreshed record');
  expect(await verifyArtifact(verdict.refreshed, { buildDirectory })).toEqual({ ok: true, how: 'identity' });
});

test('a moved build folder needs no hashing, a copied one does', async () => {
  const { buildDirectory, record } = await recorded();
  const moved = `${buildDirectory}-moved`;
  renameSync(buildDirectory, moved);
  expect(await verifyArtifact(record, { buildDirectory: moved })).toEqual({ ok: true, how: 'identity' });
  const copied = `${buildDirectory}-copied`;
  cpSync(moved, copied, { recursive: true, preserveTimestamps: true });
  expect(await verifyArtifact(record, { buildDirectory: copied })).toMatchObject({ ok: true, how: 'digest' });
  expect(await verifyArtifact(record, { buildDirectory })).toMatchObject({ ok: false, reason: 'missing' });
});

test('what is no regular file is not recorded', async () => {
  const directory = tempDirectory();
  const options = { name: 'x', retention: 'output' } as const;
  await expect(recordArtifact(directory, options)).rejects.toMatchObject({ reason: 'not-a-file' });
  await expect(recordArtifact(join(directory, 'absent'), options)).rejects.toMatchObject({
    reason: 'missing',
  });
  symlinkSync('nowhere', join(directory, 'link'));
  await expect(recordArtifact(join(directory, 'link'), options)).rejects.toMatchObject({ reason: 'missing' });
});

test('a file that changes while it is hashed is not recorded', async () => {
  const path = join(tempDirectory(), 'growing');
  writeFileSync(path, Buffer.alloc(8 * 1024 * 1024));
  let once = true;
  const onProgress = () => {
    if (once) writeFileSync(path, 'more', { flag: 'a' });
    once = false;
  };
  await expect(recordArtifact(path, { name: 'x', retention: 'output', onProgress })).rejects.toMatchObject({
    code: 'CHECKPOINT_ARTIFACT',
    reason: 'changed',
  });
});

test('hashing can be cancelled', async () => {
  const { buildDirectory, path, record } = await recorded();
  const signal = AbortSignal.abort();
  await expect(recordArtifact(path, { name: 'x', retention: 'output', signal })).rejects.toThrow();
  await expect(verifyArtifact(record, { buildDirectory, deep: true, signal })).rejects.toThrow();
});

function flipByte(path: string): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(7) ^ 1, 7);
  writeFileSync(path, bytes, { flag: 'r+' });
}
