import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { cli } from './support/run-cli.ts';
import { test } from './support/temporary.ts';

test('a machine that can build: every check, code 0', async ({ folder }) => {
  const text = await cli(['doctor', '--out', folder]);
  expect(text.stdout).toMatch(/^ok {4}programs: /m);
  expect(text.stdout).toContain('This machine can build.');
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
  expect(text.stdout).toMatch(/^FAIL {2}programs: .*\n {6}.*apt-get install/m);
  expect(text.stdout).toContain('This machine cannot build yet.');
  expect(text.code).toBe(3);
  const json = await cli(['doctor', '--out', folder, '--json'], { env });
  expect(json.code).toBe(3);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
  const build = await cli(['build-image', 'recipes/debian-no-apps.yaml', '--out', path.join(folder, 'out')], {
    env,
  });
  expect(build.stderr).toContain('this machine cannot build yet');
  expect(build.stderr).toMatch(/apt-get install/);
  expect(build.code).toBe(3);
});
