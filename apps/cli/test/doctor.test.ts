import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { cli } from './support/run-cli.ts';
import { test } from './support/temporary.ts';

test('a machine that can build: every check, code 0', async ({ folder }) => {
  const text = await cli(['doctor', '--out', folder]);
  for (const name of ['mmdebstrap', 'tar', 'flock', 'archive keyring', 'package sources', 'disk space'])
    expect(text.stdout).toMatch(new RegExp(`^ok +${name} +\\S+.*: `, 'm'));
  expect(text.stdout).toMatch(/^ok +temporary folder .*: \d+ MiB free in /m);
  expect(text.stdout).toMatch(/^ok +user namespaces .*: not needed by root$/m);
  expect(text.stdout).toMatch(/\nThis machine can build\.\n$/);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  const json = await cli(['doctor', '--out', folder, '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true });
});

test('a machine without the programs: what is missing, the remedy, code 3, and the build says it too', async ({
  folder,
}) => {
  // An empty PATH, but for what looking at packages needs.
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'dpkg-query'), '#!/bin/sh\nexit 0\n');
  await chmod(path.join(bin, 'dpkg-query'), 0o755);
  const env = { PATH: bin };
  const text = await cli(['doctor', '--out', folder], { env });
  expect(text.stdout).toMatch(/^missing {2}mmdebstrap +puts the Debian system together: not installed$/m);
  expect(text.stdout).toMatch(/^ok {7}dpkg-query /m);
  expect(text.stdout).toContain('This machine cannot build yet. What to do:\n');
  // One line for all, at the end.
  expect(text.stdout.match(/apt-get install/g)).toHaveLength(1);
  expect(text.stdout.trimEnd().split('\n').at(-1)).toMatch(
    /^ {2}as root: apt-get install --no-install-recommends .*\bmmdebstrap\b.*\bxorriso$/,
  );
  expect(text.code).toBe(3);
  const json = await cli(['doctor', '--out', folder, '--json'], { env });
  expect(json.code).toBe(3);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    install: expect.stringContaining('apt-get install') as string,
  });
  const build = await cli(['build-image', 'recipes/debian-no-apps.yaml', '--out', path.join(folder, 'out')], {
    env,
  });
  expect(build.stderr).toContain('this machine cannot build yet');
  expect(build.stderr).toMatch(/apt-get install/);
  expect(build.code).toBe(3);
});

test('a temporary folder that cannot be used: what to do, code 3', async ({ folder }) => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  const text = await cli(['doctor', '--out', folder], { env: { TMPDIR: file } });
  expect(text.stdout).toMatch(/^failed {2}temporary folder /m);
  expect(text.stdout).toMatch(/^ {2}temporary folder: Set TMPDIR /m);
  expect(text.stdout).not.toContain('apt-get install');
  expect(text).toMatchObject({ code: 3, stderr: '' });
});
