import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doctor, type PreflightCheck } from '@osforge/image-builder';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-doctor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function look(places: { etcApt?: string; keyring?: string }): Promise<{
  ok: boolean;
  install: string | undefined;
  check(name: string): PreflightCheck | undefined;
}> {
  const { ok, checks, install } = await doctor({ outDirectory: folder, ...places });
  return { ok, install, check: (name) => checks.find((one) => one.name === name) };
}

test('each check says what it is for', { timeout: 300_000 }, async () => {
  const { checks } = await doctor({ outDirectory: folder });
  for (const { name, why } of checks) expect(why, name).toMatch(/\S/);
});

test('keys that are missing: the package to install', { timeout: 300_000 }, async () => {
  const report = await look({ keyring: path.join(folder, 'absent.gpg') });
  expect(report.ok).toBe(false);
  expect(report.check('archive keyring')).toMatchObject({
    ok: false,
    debianPackage: 'debian-archive-keyring',
  });
  expect(report.install).toBe('apt-get install --no-install-recommends debian-archive-keyring');
  // One thing that is missing does not hide another, nor make one up.
  expect(report.check('package sources')).toMatchObject({ ok: true });
});

test('package sources: none, none for security, and all', { timeout: 300_000 }, async () => {
  const parts = path.join(folder, 'sources.list.d');
  await mkdir(parts);
  const none = await look({ etcApt: folder });
  expect(none.check('package sources')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('bookworm is in') as string,
    remedy: expect.stringContaining('distribution.mirror') as string,
  });
  expect(none.install).toBeUndefined();
  const source = (suites: string): string =>
    `Types: deb\nURIs: http://archive.example/debian\nSuites: ${suites}\nComponents: main\n`;
  await writeFile(path.join(parts, 'debian.sources'), source('bookworm bookworm-updates'));
  expect((await look({ etcApt: folder })).check('package sources')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('bookworm-security') as string,
  });
  await writeFile(path.join(parts, 'debian.sources'), source('bookworm bookworm-security'));
  expect((await look({ etcApt: folder })).check('package sources')).toMatchObject({
    ok: true,
    detail: `bookworm, bookworm-security in ${folder}`,
  });
});
