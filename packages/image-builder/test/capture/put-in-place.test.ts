import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSigningKey } from '@osforge/disk-image';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EarlierOutput } from '../../src/build/environment.ts';
import { layOut } from '../../src/build/layout.ts';
import type { CapturedFile } from '../../src/capture/manifest.ts';
import { putInPlace } from '../../src/capture/put-in-place.ts';
import { signSums } from '../../src/capture/sign-sums.ts';

let out: string;
let folder: string;
let staging: string;
beforeEach(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'osforge-put-in-place-'));
  folder = path.join(out, 'one');
  staging = path.join(folder, '.osforge', 'work', 'capture');
  await mkdir(staging, { recursive: true });
});
afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

async function made(place: string, content: string): Promise<CapturedFile> {
  await writeFile(place, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name: path.basename(place), path: place, sizeBytes: Buffer.byteLength(content), sha256 };
}

/** As a capture that makes `name` alone; returns what it logged. */
async function capture(name: string, earlierOutputs: readonly EarlierOutput[] = []): Promise<string[]> {
  const image = await made(path.join(staging, name), `new ${name}`);
  const { sizeBytes, sha256 } = image;
  const manifest = { buildId: 'one', artifacts: [{ name, sizeBytes, sha256 }] };
  const lines: string[] = [];
  await putInPlace(
    { layout: layOut(out, 'one', path.join(out, 'cache')), earlierOutputs },
    { log: (line) => lines.push(line), signal: new AbortController().signal },
    {
      images: [image],
      manifest: await made(path.join(staging, 'manifest.json'), JSON.stringify(manifest)),
      sums: await made(path.join(staging, 'SHA256SUMS'), `${sha256}  ${name}\n`),
    },
  );
  return lines;
}

const files = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name !== '.osforge').sort();

test('what the earlier record names and nobody makes any more is removed, and that is said', async () => {
  const earlier = [
    await made(path.join(folder, 'demo.qcow2'), 'old'),
    await made(path.join(folder, 'demo.vhdx'), 'old too'),
  ].map((file) => ({ ...file, path: file.name }));
  await writeFile(path.join(folder, 'notes.txt'), 'mine');
  const lines = await capture('demo.qcow2', earlier);
  expect(await files()).toEqual(['SHA256SUMS', 'demo.qcow2', 'manifest.json', 'notes.txt']);
  expect(await readFile(path.join(folder, 'demo.qcow2'), 'utf8')).toBe('new demo.qcow2');
  expect(lines).toEqual([expect.stringMatching(/^demo\.vhdx .* removed/)]);
});

test('a fresh build, which has no record any more, goes by the manifest: another recipe under one id', async () => {
  await capture('demo.qcow2');
  await capture('other.qcow2');
  expect(await files()).toEqual(['SHA256SUMS', 'manifest.json', 'other.qcow2']);
});

test('a run that was cut before the manifest was in place is made good by the next one', async () => {
  await capture('demo.qcow2');
  // Cut right after its images were in place.
  await rm(path.join(folder, 'other.qcow2'), { force: true });
  await made(path.join(folder, 'other.qcow2'), 'new other.qcow2');
  await capture('other.qcow2');
  expect(await files()).toEqual(['SHA256SUMS', 'manifest.json', 'other.qcow2']);
});

test('what was changed since, or is not in the folder, or belongs to another build, is left alone', async () => {
  const changed = await made(path.join(folder, 'demo.vhdx'), 'old');
  await writeFile(changed.path, 'odd');
  const outside = await made(path.join(out, 'precious'), 'precious');
  const manifest = { buildId: 'two', artifacts: [await made(path.join(folder, 'two.qcow2'), 'x')] };
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  const lines = await capture('demo.qcow2', [
    changed,
    outside,
    { ...outside, name: 'p', path: '../precious' },
  ]);
  expect(await files()).toEqual(['SHA256SUMS', 'demo.qcow2', 'demo.vhdx', 'manifest.json', 'two.qcow2']);
  expect(await readdir(out)).toContain('precious');
  expect(lines).toHaveLength(3);
});

test('the signature of an earlier build goes where this one is not signed; one that a user has made stays', async () => {
  const signature = path.join(folder, 'SHA256SUMS.minisig');
  const sums = await made(path.join(staging, 'SHA256SUMS'), 'old sums');
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const image = { name: 'demo', sourceDateEpoch: 1 };
  const ours = await signSums(sums, readSigningKey(pem), image, new AbortController().signal);
  await rename(ours.path, signature);
  expect(await capture('demo.qcow2')).toEqual([expect.stringMatching(/^SHA256SUMS\.minisig .* removed/)]);
  expect(await files()).not.toContain('SHA256SUMS.minisig');

  const byHand = 'untrusted comment: x\nRUQ\ntrusted comment: timestamp:1\tfile:SHA256SUMS\thashed\nRUQ\n';
  await writeFile(signature, byHand);
  expect(await capture('demo.qcow2')).toEqual([]);
  expect(await readFile(signature, 'utf8')).toBe(byHand);
});
