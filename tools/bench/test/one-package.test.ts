import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readResult } from '../result.mjs';

const program = fileURLToPath(new URL('../one-package.mjs', import.meta.url));
let folder: string;

beforeEach(() => {
  // Inside of the workspace, so that the benches find vitest.
  folder = mkdtempSync(fileURLToPath(new URL('.package-', import.meta.url)));
  mkdirSync(path.join(folder, 'bench'));
  writeFileSync(path.join(folder, 'project.json'), '{ "name": "fake" }');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(file: string, text: string): void {
  writeFileSync(path.join(folder, 'bench', file), text);
}

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
}

const GOOD = `
import { execFileSync } from 'node:child_process';
import { test } from 'vitest';
const options = { time: 20, warmupTime: 0 };
test('add (10 operations a call)', async ({ bench }) => {
  let sum = 0;
  await bench.compare(
    bench('loop', function addNumbers() { for (let n = 0; n < 10; n += 1) sum += n; }),
    bench('floor: nothing', () => {}),
    bench('peer: a program that nobody has', () => { execFileSync('no-such-program-x', []); }),
    options,
  );
});
`;

test('a result of several processes, with a peer that is not installed, and a memory bench', () => {
  write('good.bench.ts', GOOD);
  write('still.memory.ts', 'export const cycles = 40; export function cycle(): void {}');
  const { status, stderr } = bench('--rounds', '2');
  expect(stderr).not.toContain('fake:');
  expect(status).toBe(0);
  const result = readResult(path.join(folder, 'out-bench/result.json'));
  expect(result).toMatchObject({ package: 'fake', rounds: 2, problems: [] });
  const [group] = result.groups;
  expect(group).toMatchObject({ file: 'bench/good.bench.ts', name: 'add' });
  expect(group?.missing).toEqual([
    { name: 'a program that nobody has', reason: 'no-such-program-x is not installed' },
  ]);
  expect(group?.entries.map(({ name, role, unit, rounds }) => [name, role, unit, rounds.length])).toEqual([
    ['loop', 'ours', 'ns/op', 2],
    ['nothing', 'floor', 'ns/op', 2],
  ]);
  expect(group?.ratios).toMatchObject([{ ours: 'loop', peer: 'nothing', role: 'floor' }]);
  expect(result.memory).toMatchObject([{ name: 'still', cycles: 40, warmupCycles: 20 }]);
});

test('a bench that fails ends with 1 and says so in the result', () => {
  write('bad.bench.ts', GOOD.replace("'peer: a program", "'a program"));
  const { status, stderr } = bench('--rounds=1');
  expect(status).toBe(1);
  expect(stderr).toContain('fake: round 1: exit code 1');
  expect(readResult(path.join(folder, 'out-bench/result.json')).problems).toContain('round 1: exit code 1');
});

test('a profile is of ours alone and leaves the result as it was', () => {
  write('good.bench.ts', GOOD);
  const { status, stdout } = bench('--profile=cpu');
  expect(stdout).toContain('add.cpuprofile.svg');
  expect(status).toBe(0);
  const profiles = path.join(folder, 'out-bench/profile-cpu');
  expect(readdirSync(profiles).sort()).toEqual(['add.cpuprofile', 'add.cpuprofile.svg']);
  expect(readFileSync(path.join(profiles, 'add.cpuprofile.svg'), 'utf8')).toContain('addNumbers');
  expect(existsSync(path.join(folder, 'out-bench/result.json'))).toBe(false);
});

test('when it is stopped, what it started ends and nothing is written', async () => {
  write('slow.bench.ts', GOOD.replace('time: 20', 'time: 600_000, iterations: 1'));
  write('slow.memory.ts', 'export function cycle(): void {}');
  const child = spawn(process.execPath, [program], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let told = '';
  child.stderr.on('data', (text: Buffer) => (told += text.toString()));
  let stopped = false;
  child.stdout.on('data', (text: Buffer) => {
    // The line that vitest begins with: it is there, and has far to go.
    if (stopped || !text.toString().includes('RUN')) return;
    stopped = true;
    child.kill('SIGTERM');
  });
  // Both pipes are closed only when nobody of the group is left to hold them.
  expect(await ended).toEqual([1, null]);
  expect(told).toContain('The bench of fake was stopped; nothing is written.');
  expect(existsSync(path.join(folder, 'out-bench/result.json'))).toBe(false);
});

test('a package without benches is none that succeeds', () => {
  const { status, stderr } = bench();
  expect(status).toBe(1);
  expect(stderr).toContain('fake: no bench was found');
});
