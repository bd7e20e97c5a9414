import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The parts of the report of vitest that are looked at. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
  }[];
}

const vitest = join(import.meta.dirname, '../../../../node_modules/vitest/vitest.mjs');
const fixtures = join(import.meta.dirname, '../fixtures/leaks');
let folder: string;
let report: Report;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leaks-'));
  const file = join(folder, 'report.json');
  const args = [vitest, 'run', '--root', fixtures, '--config', join(fixtures, 'vitest.config.ts')];
  await new Promise((resolve) => {
    // It exits with 1, as files fail; the report says which.
    execFile(
      process.execPath,
      [...args, '--reporter=json', `--outputFile=${file}`],
      { cwd: fixtures },
      resolve,
    );
  });
  // What the json reporter of vitest writes.
  report = JSON.parse(await readFile(file, 'utf8')) as Report;
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

function resultOf(name: string): Report['testResults'][number] {
  const result = report.testResults.find((file) => file.name.endsWith(`/${name}.leak.ts`));
  if (result === undefined) throw new Error(`no result of ${name}`);
  return result;
}

test('a test that closes what it opens passes', () => {
  expect(resultOf('clean')).toMatchObject({ status: 'passed' });
});

test.each([
  ['timer', '1 timer (interval of 3600000 ms)', 'timer.leak.ts:4'],
  ['timer', '1 timer (timeout of 3600000 ms)', 'timer.leak.ts:5'],
  ['child', '1 child (sleep (pid ', 'child.leak.ts:5'],
  ['server', '1 server (127.0.0.1:', 'server.leak.ts:6'],
  ['listener', '1 listener (SIGUSR2 on process)', 'listener.leak.ts:4'],
])('a forgotten %s fails its file: %s, opened at %s', (name, what, where) => {
  const { status, message } = resultOf(name);
  expect(status).toBe('failed');
  expect(message).toContain(`test "forgets a ${name}": ${what}`);
  expect(message).toContain(where);
});

test('a forgotten file watcher fails its file', () => {
  expect(resultOf('watcher')).toMatchObject({ status: 'failed' });
  expect(resultOf('watcher').message).toContain('1 watcher (fs.watch), opened\n');
});
