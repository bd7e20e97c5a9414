import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runAll } from '../run-all.mjs';
import { runStep } from '../run-step.mjs';
import type { Step } from '../steps.mjs';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'osforge-ci-'));
  await mkdir(join(root, 'packages/one/out-test'), { recursive: true });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

const shell = (
  name: string,
  script: string,
): { name: string; command: [string, ...string[]]; timeoutMs: number } => ({
  name,
  command: ['sh', '-c', script],
  timeoutMs: 60_000,
});
const REPORT =
  '{"testResults":[{"name":"a","status":"passed","assertionResults":[{"status":"passed","fullName":"works"}]}]}';
const WRITE_REPORT = `echo '${REPORT}' > packages/one/out-test/result.json`;

async function all(
  steps: { setup?: string; tests?: string; checks?: string[] } = {},
): Promise<{ passed: number; failed: number; said: string }> {
  const said: string[] = [];
  const total = await runAll({
    root,
    logDirectory: join(root, 'out/ci'),
    setup: shell('set-up', steps.setup ?? 'true'),
    tests: shell('tests', steps.tests ?? WRITE_REPORT),
    reports: [{ name: 'one', file: 'packages/one/out-test/result.json' }],
    checks: (steps.checks ?? ['true', 'true']).map((script, index) => shell(`check-${index}`, script)),
    say: (line) => said.push(line),
    signal: new AbortController().signal,
  });
  return { ...total, said: said.join('\n') };
}

test('tests and checks are counted', async () => {
  expect(await all()).toMatchObject({ passed: 3, failed: 0 });
});

test('a check that fails is shown, and the ones behind it run all the same', async () => {
  const result = await all({ checks: ['echo "bad line 7"; exit 1', 'touch ran'] });
  expect(result).toMatchObject({ passed: 2, failed: 1 });
  expect(result.said).toContain('bad line 7');
  expect(await readFile(join(root, 'ran'), 'utf8')).toBe('');
});

test('a failed set-up counts, and the rest is tried', async () => {
  expect(await all({ setup: 'exit 3' })).toMatchObject({ passed: 3, failed: 1 });
});

test('the report of an earlier run is not counted', async () => {
  await writeFile(join(root, 'packages/one/out-test/result.json'), REPORT);
  expect(await all({ tests: 'exit 1' })).toMatchObject({ passed: 2, failed: 1 });
});

test('an error outside of every test fails the run', async () => {
  const result = await all({ tests: `${WRITE_REPORT}; echo "Unhandled Rejection"; exit 1` });
  expect(result).toMatchObject({ passed: 3, failed: 1 });
  expect(result.said).toContain('Unhandled Rejection');
});

test('a step that hangs is ended with all it started, and has failed', async () => {
  const held = join(root, 'held');
  execFileSync('mkfifo', [held]);
  // There when the step has opened the other end, however slow the machine is.
  const holding = open(held);
  const step: Step = {
    name: 'hang',
    command: ['sh', '-c', `trap "" TERM; sleep 100000 > ${held} & wait; wait`],
    timeoutMs: 300,
  };
  const options = {
    cwd: root,
    logFile: join(root, 'log'),
    signal: new AbortController().signal,
    graceMs: 50,
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const ended = runStep(step, options);
  const reader = await holding;
  vi.advanceTimersByTime(350);
  expect(await ended).toMatchObject({ ok: false, outcome: 'ended after its 0.3 s' });
  // Ends when nobody has the other end of it any more.
  await reader.readFile();
  await reader.close();
});

test('a program that does not exist has failed, and says so', async () => {
  const options = { cwd: root, logFile: join(root, 'log'), signal: new AbortController().signal };
  const result = await runStep(
    { name: 'x', command: ['osforge-no-such-program'], timeoutMs: 60_000 },
    options,
  );
  expect(result).toMatchObject({ ok: false, outcome: expect.stringContaining('ENOENT') as string });
});
