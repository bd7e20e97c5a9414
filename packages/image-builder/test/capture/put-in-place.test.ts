import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSigningKey } from '@osforge/disk-image';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EarlierOutput } from '../../src/build/environment.ts';
import { layOut } from '../../src/build/layout.ts';
import { mediaPlace } from '../../src/capture/earlier-files.ts';
import type { CapturedFile } from '../../src/capture/manifest.ts';
import { putInPlace } from '../../src/capture/put-in-place.ts';
import { signSums } from '../../src/capture/sign-sums.ts';
import { removeDroppedMedia } from '../../src/media/remove-dropped.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';

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

describe('media, in a folder of their own', () => {
  const environment = (earlierOutputs: readonly EarlierOutput[] = []) => ({
    layout: layOut(out, 'one', path.join(out, 'cache')),
    earlierOutputs,
  });

  /** As a media phase that makes `names`; gives what it would record. */
  async function media(
    names: readonly string[],
    earlier: readonly EarlierOutput[] = [],
  ): Promise<EarlierOutput[]> {
    await mkdir(path.join(staging, 'pxe', 'payload'), { recursive: true });
    const images: CapturedFile[] = [];
    for (const name of names) images.push({ ...(await made(path.join(staging, name), `new ${name}`)), name });
    const manifest = {
      buildId: 'one',
      artifacts: images.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 })),
    };
    const { signal } = new AbortController();
    const artifacts = await putInPlace(
      environment(earlier),
      { log: () => undefined, signal },
      {
        images,
        manifest: await made(path.join(staging, 'media.json'), JSON.stringify(manifest, null, 2)),
        sums: await made(path.join(staging, 'SHA256SUMS'), `${'0'.repeat(64)}  media.json\n`),
      },
      mediaPlace(environment()),
    );
    return artifacts.map(({ name, path: place, sha256 = '', sizeBytes = 0 }) => ({
      name,
      path: path.relative(folder, place),
      sha256,
      sizeBytes,
    }));
  }

  const mediaFiles = async (): Promise<string[]> =>
    (await readdir(path.join(folder, 'media'), { recursive: true }).catch(() => [])).sort();

  const drop = async (earlier: readonly EarlierOutput[]): Promise<string[]> => {
    const lines: string[] = [];
    const recipe: Pick<Recipe, 'media'> = { media: false };
    await removeDroppedMedia(
      { ...environment(earlier), recipe },
      { log: (line) => lines.push(line), signal: new AbortController().signal },
    );
    return lines;
  };

  test('parts that are not made any more go, by the record or the manifest, and empty folders with them', async () => {
    const all = ['a.iso', 'pxe/linux', 'pxe/payload/0000.zst', 'pxe/payload/0001.zst'];
    const earlier = await media(all);
    expect(await mediaFiles()).toEqual(
      ['SHA256SUMS', 'a.iso', 'media.json', 'pxe', 'pxe/linux', 'pxe/payload'].concat(all.slice(2)).sort(),
    );
    await media(['a.iso', 'pxe/linux', 'pxe/payload/0000.zst'], earlier);
    expect(await mediaFiles()).not.toContain('pxe/payload/0001.zst');
    // Without a record.
    await media(['a.iso']);
    expect(await mediaFiles()).toEqual(['SHA256SUMS', 'a.iso', 'media.json']);
  });

  test('a capture and the media leave the files of each other alone', async () => {
    const earlier = await media(['a.iso']);
    await capture('demo.qcow2', earlier);
    expect(await mediaFiles()).toEqual(['SHA256SUMS', 'a.iso', 'media.json']);
    const image = await made(path.join(folder, 'demo.qcow2'), 'new demo.qcow2');
    await media(['b.iso'], [...earlier, { ...image, path: image.name }]);
    expect(await mediaFiles()).toEqual(['SHA256SUMS', 'b.iso', 'media.json']);
    expect(await files()).toContain('demo.qcow2');
  });

  test('a folder of media that is a link out of the build is not followed', async () => {
    const outside = path.join(out, 'outside');
    await mkdir(outside);
    await symlink(outside, path.join(folder, 'media'));
    await expect(media(['a.iso'])).rejects.toMatchObject({ code: 'LEDGER_PATH' });
    expect(await readdir(outside)).toEqual([]);
  });

  test.each(['by the record', 'by the manifest'])(
    'a recipe without media any more: they are removed, %s, and what was changed or added is kept',
    async (how) => {
      const earlier = await media(['a.iso', 'b.raw', 'pxe/payload/0000.zst']);
      await writeFile(path.join(folder, 'media', 'b.raw'), 'other');
      await writeFile(path.join(folder, 'media', 'notes.txt'), 'mine');
      const lines = await drop(how === 'by the record' ? earlier : []);
      expect(await mediaFiles()).toEqual(['b.raw', 'notes.txt']);
      expect(lines).toContainEqual(expect.stringMatching(/^media\/b\.raw .* kept: it was changed since/));
      expect(await drop([])).toEqual([]);
    },
  );

  test('media of another build in that folder are kept', async () => {
    await media(['a.iso']);
    const manifest = path.join(folder, 'media', 'media.json');
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"one"', '"two"'));
    expect(await drop([])).toEqual([]);
    expect(await mediaFiles()).toContain('a.iso');
  });
});
