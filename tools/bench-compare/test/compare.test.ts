import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { rawRound, resultOf } from '../../bench/test/fake-result.ts';

const program = fileURLToPath(new URL('../compare.mjs', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'osforge-compare-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: unknown): string {
  const target = path.join(folder, name);
  writeFileSync(target, JSON.stringify(content));
  return target;
}

function compare(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
}

const rounds = (factor: number): ReturnType<typeof rawRound>[] =>
  [1, 1.01, 0.99, 1.02, 0.98].map((noise) => rawRound(10 * factor * noise, 40));
const before = file('before.json', resultOf(rounds(1)));
const slower = file('slower.json', [resultOf(rounds(1.5))]);

const cutOff = path.join(folder, 'cut-off.json');
writeFileSync(cutOff, JSON.stringify(resultOf(rounds(1))).slice(0, 100));

test('what is slower fails only where that is asked for', () => {
  const told = compare(before, slower);
  expect(told.stdout).toMatch(
    /slower +hash 64 MiB: hashFile: × 1\.50 \(1\.\d+ to 1\.\d+\), ratio to sha256sum/,
  );
  expect(told.stdout).toContain('1 slower of 1 compared, each at 99% confidence and from 5% on');
  expect(told.status).toBe(0);
  expect(compare(before, slower, '--fail-on', 'slower').status).toBe(1);
  expect(compare(slower, before, '--fail-on', 'slower').status).toBe(0);
  expect(compare(slower, before).stdout).toMatch(/faster/);
});

test('a gate does not pass where nothing could be compared', () => {
  const single = file('single.json', resultOf([rawRound(10, 40)]));
  expect(compare(single, single)).toMatchObject({ status: 0 });
  const gate = compare(single, single, '--fail-on', 'slower');
  expect(gate.stdout).toContain('0 slower of 0 compared');
  expect(gate.status).toBe(2);
});

test('a file held against itself is noise', () => {
  const { status, stdout } = compare(before, before, '--fail-on', 'slower');
  expect(stdout).toMatch(/noise +hash 64 MiB/);
  expect(status).toBe(0);
});

test.each([
  ['what was cut off', [before, cutOff], /cut-off\.json cannot be read: /],
  [
    'another schema',
    [before, file('v2.json', { schema: 'osforge-bench/2' })],
    /is of schema "osforge-bench\/2"/,
  ],
  ['no such file', [before, path.join(folder, 'none.json')], /none\.json cannot be read/],
  ['one file', [before], /two files are needed/],
  ['a wrong condition', [before, slower, '--fail-on', 'faster'], /--fail-on takes "slower"/],
])('%s is refused with exit code 2', (_name, args, message) => {
  const { status, stderr } = compare(...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});
