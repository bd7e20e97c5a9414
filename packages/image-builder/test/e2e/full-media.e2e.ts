/** Each step that makes media, on a disk that is full. Needs root: a tmpfs is mounted. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openImage, rawContentDigest } from '@osforge/disk-image';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asSpaceError } from '../../src/build/space-errors.ts';
import { makeInstallIso, type MediumRequest } from '../../src/media/make-iso.ts';
import { makePayload } from '../../src/media/make-payload.ts';
import { makePxe } from '../../src/media/make-pxe.ts';
import { makeStick } from '../../src/media/make-stick.ts';
import { mediumIdentifiers } from '../../src/media/medium-identifiers.ts';
import { makeSmallDisk } from '../media/small-disk.ts';
import { mountTmpfs, unmountTmpfs } from './fixtures/tmpfs.ts';

const mebibyte = 1024 ** 2;
const { signal } = new AbortController();
let root: string;
let tmpfs: string;
let content: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-e2e-full-media-'));
  tmpfs = path.join(root, 'small');
  content = path.join(root, 'content');
  await mkdir(tmpfs);
  await mkdir(path.join(content, 'osforge', 'payload'), { recursive: true });
  await writeFile(path.join(content, 'osforge', 'payload', '0000.zst'), Buffer.alloc(4 * mebibyte, 1));
  for (const name of ['linux', 'initrd.img', 'network.img', 'loader.efi'])
    await writeFile(path.join(root, name), Buffer.alloc(mebibyte, name));
  mountTmpfs(tmpfs, 2 * mebibyte);
});

afterAll(async () => {
  unmountTmpfs(tmpfs);
  await rm(root, { recursive: true, force: true });
});

const medium = (name: string): MediumRequest => ({
  target: path.join(tmpfs, name),
  content,
  boot: boot(),
  name: 'demo',
  identifiers: mediumIdentifiers(['x']),
  epochSeconds: 1_700_000_000,
  signal,
});

const boot = () => ({
  kernel: path.join(root, 'linux'),
  initramfs: path.join(root, 'initrd.img'),
  networkInitramfs: path.join(root, 'network.img'),
  loader: path.join(root, 'loader.efi'),
});

/** Of which 3 MiB cannot be compressed. */
async function pack(): Promise<unknown> {
  const disk = await makeSmallDisk(root);
  const reader = await openImage(disk, 'raw');
  try {
    const contentSha256 = await rawContentDigest(disk);
    return await makePayload({
      disk: reader,
      folder: tmpfs,
      contentSha256,
      signal,
      onProgress: () => undefined,
    });
  } finally {
    await reader.close();
  }
}

test.each([
  ['the payload', pack],
  ['the ISO', () => makeInstallIso(medium('x.iso'))],
  ['the stick image', () => makeStick(medium('x.raw'))],
  [
    'the PXE folder',
    () =>
      makePxe({
        folder: path.join(tmpfs, 'pxe'),
        payload: path.join(content, 'osforge', 'payload'),
        boot: boot(),
        name: 'demo',
        signal,
      }),
  ],
])('%s: it says that the disk is full', async (_what, make) => {
  const error: unknown = await make().then(
    () => new Error('it was made'),
    (reason: unknown) => asSpaceError(reason, tmpfs),
  );
  expect(error).toMatchObject({ code: 'DISK_IMAGE_DISK_FULL' });
  await rm(path.join(tmpfs, 'pxe'), { recursive: true, force: true });
  for (const name of ['x.iso', 'x.iso.esp', 'x.raw']) await rm(path.join(tmpfs, name), { force: true });
});
