import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect } from 'vitest';
import { cli, repository } from './support/run-cli.ts';
import { test } from './support/temporary.ts';

const recipes = path.join(repository, 'recipes');
const good = path.join(recipes, 'debian-no-apps.yaml');

describe('wrong usage ends with 2 and says what is meant, on standard error', () => {
  test.for<[string, string[], RegExp]>([
    ['no command', [], /Usage: osforge/],
    [
      'an unknown command',
      ['bulid-image'],
      /unknown command 'bulid-image'[^]*Did you mean build-image\?[^]*Usage: osforge/,
    ],
    [
      'an unknown flag',
      ['build-image', '--frehs'],
      /unknown option '--frehs'[^]*Did you mean --fresh\?[^]*Usage: osforge build-image/,
    ],
    ['a flag of another command', ['doctor', '--fresh'], /unknown option '--fresh'/],
    ['two recipes', ['build-image', good, good], /too many arguments/],
    ['a flag without its value', ['build-image', '--out'], /argument missing/],
    ['an empty value', ['build-image', good, '--out', ''], /It is empty/],
    [
      'a value that is no choice',
      ['build-image', '--on-error', 'panic'],
      /Allowed choices are cleanup, keep, ask/,
    ],
    ['two outputs', ['build-image', '--json', '--quiet'], /cannot be used with/],
    ['an answer and a question', ['build-image', '--ask', '--fresh'], /cannot be used with/],
    ['a question without a terminal', ['build-image', good, '--ask'], /--ask needs a terminal/],
    [
      'another question without a terminal',
      ['build-image', good, '--on-error', 'ask'],
      /--on-error ask needs a terminal/,
    ],
    ['a port that is none', ['build-image', good, '--metrics-port', 'http'], /Give a number from 0/],
    ['a port that is too large', ['build-image', good, '--metrics-port', '65536'], /Give a number from 0/],
    ['metrics under another name', ['build-image', good, '--metrics-file', 'm.txt'], /ends in \.prom/],
    [
      'metrics in a folder that is not there',
      ['build-image', good, '--out', '/tmp', '--metrics-file', '/no-such/m.prom'],
      /--metrics-file: \/no-such\/m\.prom was not written: its folder does not exist/,
    ],
    [
      'an address without a port',
      ['build-image', good, '--out', '/tmp', '--metrics-host', '::1'],
      /give that too/,
    ],
    ['a recipe that does not exist', ['build-image', 'no-such.yaml'], /no-such\.yaml/],
    ['a plan of a recipe that does not exist', ['plan', 'no-such.yaml'], /no-such\.yaml/],
    ['a folder as recipe', ['plan', recipes], /recipes/],
    [
      'a build id with a path',
      ['build-image', good, '--build-id', '../x'],
      /build id "..\/x" cannot be used/,
    ],
    ['a build id with a path in plan', ['plan', good, '--build-id', 'a/b'], /build id "a\/b" cannot be used/],
    ['recipe without check', ['recipe'], /Usage: osforge recipe/],
    ['recipe chekc', ['recipe', 'chekc'], /Did you mean check\?/],
    ['builds without a verb', ['builds'], /Usage: osforge builds/],
    ['builds lits', ['builds', 'lits'], /Did you mean list\?/],
    ['builds show without an id', ['builds', 'show'], /missing required argument 'id'/],
    ['builds clean without an id', ['builds', 'clean'], /missing required argument 'id'/],
    ['builds show of an unknown build', ['builds', 'show', 'nobody'], /there is no build "nobody"/],
    ['builds clean of an unknown build', ['builds', 'clean', 'nobody'], /there is no build "nobody"/],
    ['builds clean of a path', ['builds', 'clean', '../..', '--all'], /build id/],
    ['an argument that doctor does not take', ['doctor', 'now'], /too many arguments/],
  ])('%s', async ([, args, message], { folder }) => {
    const { code, stdout, stderr } = await cli(args, { cwd: folder });
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(/^ +at /m);
    // Nothing was begun.
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a wrong recipe is shown as a compiler would, by every command that reads it', async ({ folder }) => {
  const recipe = path.join(folder, 'wrong.yaml');
  await writeFile(recipe, 'version: 1\nname: wrong\ndisk:\n  sise: 4G\n');
  for (const args of [
    ['recipe', 'check', recipe],
    ['plan', recipe],
    ['build-image', recipe, '--out', folder],
  ]) {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${recipe}:4:3: error: `);
    expect(stderr).toMatch(/^ +4 \| {3}sise: 4G\n +\| {3}\^+$/m);
    expect(stderr).toContain('size');
    expect(stderr).toContain(`1 error in ${recipe}`);
  }
});

test('recipe check looks at every file, also after a wrong one, and says so as JSON', async ({ folder }) => {
  const recipe = path.join(folder, 'wrong.yaml');
  await writeFile(recipe, 'version: 1\n');
  const text = await cli(['recipe', 'check', recipe, good]);
  expect(text).toMatchObject({ code: 2, stdout: `${good}: ok (debian-no-apps)\n` });
  const json = await cli(['recipe', 'check', recipe, good, '--json']);
  expect(json).toMatchObject({ code: 2, stderr: '' });
  expect(JSON.parse(json.stdout)).toMatchObject([
    { file: recipe, ok: false, diagnostics: [{ file: recipe }] },
    { file: good, ok: true, name: 'debian-no-apps' },
  ]);
});

test('without a recipe the default one is meant: here, else that of the repository', async ({ folder }) => {
  expect(await cli(['recipe', 'check'])).toMatchObject({
    code: 0,
    stdout: 'recipes/debian-minimal.yaml: ok (debian-minimal)\n',
  });
  const elsewhere = await cli(['recipe', 'check'], { cwd: folder });
  expect(elsewhere.code).toBe(0);
  expect(elsewhere.stdout).toContain('debian-minimal.yaml: ok (debian-minimal)');
});

test('an output folder that is a file, or below one, is refused', async ({ folder }) => {
  const file = path.join(folder, 'file');
  await writeFile(file, 'mine');
  for (const out of [file, path.join(file, 'below')]) {
    const { code, stdout, stderr } = await cli(['build-image', good, '--out', out]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`error: --out ${out}: it is a file, or lies below one; choose another folder\n`);
  }
});

test('an output folder that nobody can write is refused', async () => {
  const { code, stdout, stderr } = await cli(['build-image', good, '--out', '/proc/osforge']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^error: --out \/proc\/osforge: .*; choose another folder\n$/);
});

test('a file for events that cannot be made is refused before the build starts', async ({ folder }) => {
  const out = path.join(folder, 'out');
  await mkdir(out);
  const missing = await cli([
    'build-image',
    good,
    '--out',
    out,
    '--events',
    path.join(folder, 'no', 'e.ndjson'),
  ]);
  expect(missing).toMatchObject({ code: 2, stdout: '' });
  expect(missing.stderr).toContain('its folder does not exist');
  const isFolder = await cli(['build-image', good, '--out', out, '--events', folder]);
  expect(isFolder).toMatchObject({ code: 2, stdout: '' });
  expect(isFolder.stderr).toContain('it is a folder');
  expect(await readdir(out)).toEqual([]);
});

test('SOURCE_DATE_EPOCH that is no number is refused', async ({ folder }) => {
  const recipe = path.join(folder, 'plain.yaml');
  await writeFile(recipe, 'version: 1\nname: plain\n');
  const { code, stderr } = await cli(['plan', recipe], { env: { SOURCE_DATE_EPOCH: 'yesterday' } });
  expect(code).toBe(2);
  expect(stderr).toContain('SOURCE_DATE_EPOCH is "yesterday"');
});
