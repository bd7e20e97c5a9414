import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const SHARED_FILES = [
  'package.json',
  'package-lock.json',
  'nx.json',
  'tsconfig.base.json',
  'eslint.config.mjs',
  'vitest.config.ts',
  'vitest.bench.config.ts',
  '.prettierrc.json',
  '.prettierignore',
  'tools/generators',
  // Whose leak check every package's tests have.
  'packages/perf/package.json',
  'packages/perf/project.json',
  'packages/perf/tsconfig.json',
  'packages/perf/tsconfig.lib.json',
  'packages/perf/tsconfig.spec.json',
  'packages/perf/tsup.config.ts',
  'packages/perf/src',
];

/** A workspace with nothing in it but this one's configuration, its installed dependencies and the generator. */
let workspace: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'osforge-generator-'));
  for (const file of SHARED_FILES) await cp(join(ROOT, file), join(workspace, file), { recursive: true });
  await writeFile(
    join(workspace, 'tsconfig.json'),
    '{ "files": [], "references": [{ "path": "./packages/perf" }] }\n',
  );
  await mkdir(join(workspace, '.changeset'));
  await symlink(join(ROOT, 'node_modules'), join(workspace, 'node_modules'));
  await mkdir(join(workspace, 'packages/node_modules/@osforge'), { recursive: true });
  await symlink('../../perf', join(workspace, 'packages/node_modules/@osforge/perf'));
  // The installed dependencies are this workspace's own: the generator's `npm install` must not reach them.
  await mkdir(join(workspace, 'path'));
  await writeFile(
    join(workspace, 'path/npm'),
    `#!/bin/sh
if test "$1" = install; then echo "$@" >> "${workspace}/npm.log"; else PATH="\${PATH#*:}" exec npm "$@"; fi
`,
    { mode: 0o755 },
  );
  // Without what the Nx and the vitest that run this test have set: the inner ones would think they are part of them.
  const own = Object.entries(process.env).filter(([name]) => !/^(NX_|VITEST|NODE_ENV$)/.test(name));
  env = {
    ...Object.fromEntries(own),
    PATH: [join(workspace, 'path'), join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(':'),
    NX_DAEMON: 'false',
    NX_WORKSPACE_ROOT_PATH: workspace,
  };
}, 300_000);
afterAll(() => rm(workspace, { recursive: true, force: true }));

test('a generated package builds, and passes its own tests, lint, type check and package check', async () => {
  const nx = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await run('nx', args, { cwd: workspace, env }).catch((error: unknown) => {
      // execFile rejects with an Error that carries the output.
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`nx ${args.join(' ')} failed\n${stdout}\n${stderr}`);
    });
    return stdout + stderr;
  };
  await nx(
    'g',
    './tools/generators:package',
    'ring-meter',
    '--layer',
    '1',
    '--description',
    'Measures rings.',
  );
  expect(await readFile(join(workspace, 'npm.log'), 'utf8')).toMatch(/^install/);

  await nx('run-many', '-t', 'build', 'test', 'lint', 'typecheck', 'package-check', '-p', 'ring-meter');
  const report = await readFile(join(workspace, 'packages/ring-meter/out-test/result.json'), 'utf8');
  expect(JSON.parse(report)).toMatchObject({ numPassedTests: 3, numTotalTests: 3, success: true });
  await run('prettier', ['--check', 'packages', '.changeset', 'tsconfig.json'], { cwd: workspace, env });
}, 300_000);

test('the command line refuses what the schema does not know', async () => {
  const generate = (...args: string[]): Promise<unknown> =>
    run('nx', ['g', './tools/generators:package', ...args], { cwd: workspace, env });
  await expect(generate('thing')).rejects.toThrow(/layer/);
  await expect(generate('thing', '--layer', '7')).rejects.toThrow(/layer/);
  await expect(generate('Thing', '--layer', '1')).rejects.toThrow(/name/);
}, 300_000);
