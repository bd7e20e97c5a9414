import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { VerifyImageReport } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeDisk, mib } from './ffu/disk.ts';
import { tempFolder } from './temp.ts';

const child = fileURLToPath(new URL('verify-child.ts', import.meta.url));
const sizeBytes = 48 * mib;

type Report = Pick<VerifyImageReport, 'ok' | 'checks'> & { readonly readBytes: number };

/** A disk without holes, in a folder of its own, beside lists that say what is right. */
async function diskWithLists(folder: string, lists: readonly ('file' | 'disk')[]): Promise<string> {
  await mkdir(folder);
  const path = join(folder, 'disk.raw');
  await makeDisk(path, {
    sizeBytes,
    data: [{ at: mib, bytes: Buffer.alloc(sizeBytes - 2 * mib, 'no zeros here ') }],
  });
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (lists.includes('file')) await writeFile(join(folder, 'SHA256SUMS'), `${sha256}  disk.raw\n`);
  const artifacts = lists.includes('file') ? [{ name: 'disk.raw', sizeBytes, sha256 }] : [];
  const rawDisk = lists.includes('disk') ? { rawDisk: { sizeBytes, sha256 } } : {};
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ artifacts, ...rawDisk }));
  return path;
}

async function verified(warmUp: string, path: string): Promise<Report> {
  const args = ['--conditions=@osforge/source', child, warmUp, path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  // What the child writes, see there.
  return JSON.parse(stdout) as Report;
}

// An image of a server takes minutes to read: what is promised of the file and of the disk in it, which are the same
// bytes, and by two lists, must not cost as many passes.
test.each([
  { what: 'the file', lists: ['file'], digests: ['checksums', 'checksums'] },
  { what: 'the file and the disk', lists: ['file', 'disk'], digests: ['checksums', 'checksums', 'disk'] },
] as const)('a raw image is read once for promises of $what', async ({ lists, digests }) => {
  const folder = await tempFolder();
  const path = await diskWithLists(join(folder, 'measured'), lists);
  const warmUp = await diskWithLists(join(folder, 'warm-up'), ['file', 'disk']);
  const { ok, checks, readBytes } = await verified(warmUp, path);
  expect(ok).toBe(true);
  const held = checks.filter(({ status, name }) => status === 'ok' && name !== 'gpt').map(({ name }) => name);
  expect(held).toEqual(digests);
  // All of it, and besides it not more than tables and lists.
  expect(readBytes).toBeGreaterThanOrEqual(sizeBytes);
  expect(readBytes).toBeLessThan(sizeBytes + mib);
});
