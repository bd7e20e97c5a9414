import { expect, test } from 'vitest';
import { combine } from '../combine.mjs';
import { LAST, section, withResults } from '../report/docs.mjs';
import { figure } from '../report/rows.mjs';
import { checkResult } from '../result.mjs';
import { rawRound, resultOf } from './fake-result.ts';

test('rounds become medians, spread and a ratio with its interval, as the schema has them', () => {
  const result = resultOf([rawRound(10, 40), rawRound(12, 44), rawRound(11, 41)]);
  expect(checkResult(result, 'it')).toBe(result);
  const [group] = result.groups;
  expect(group?.entries[0]).toMatchObject({
    role: 'ours',
    samples: 3,
    median: 11,
    mad: 1,
    rounds: [10, 12, 11],
  });
  expect(group?.ratios).toHaveLength(1);
  expect(group?.ratios[0]?.ratio).toBeCloseTo(0.2637, 3);
  expect(group?.ratios[0]?.low).toBeLessThan(0.2637);
});

test('an entry that a round lacks is a problem and no figure', () => {
  const { groups, problems } = combine([rawRound(10, 40), rawRound(12)]);
  expect(problems).toEqual([
    'bench/flush.bench.ts: hash 64 MiB: "sha256sum" was measured 1 times in 2 rounds',
  ]);
  expect(groups[0]?.ratios).toEqual([]);
});

test('an entry without a sample, or of 0, is a problem and no figure', () => {
  const [whole] = rawRound(10, 40).entries;
  const empty = { ...rawRound(10, 40), entries: whole === undefined ? [] : [{ ...whole, values: [] }] };
  for (const round of [empty, rawRound(0)]) {
    const result = resultOf([rawRound(10), round]);
    expect(result.problems).toEqual([
      'bench/flush.bench.ts: hash 64 MiB: "hashFile" has no figure above 0 in every round',
    ]);
    expect(checkResult(result, 'it').groups[0]?.entries).toEqual([]);
  }
});

test('a peer that is not there is said, and has no number', () => {
  const text = section(resultOf([rawRound(10), rawRound(11)]));
  expect(text).toContain('| sha256sum | not measured: sha256sum is not installed | – |');
});

test('another schema and what is no result are refused in words', () => {
  expect(() => checkResult({ schema: 'osforge-bench/2' }, 'a.json')).toThrow(
    'a.json is of schema "osforge-bench/2", and this reads osforge-bench/1 only',
  );
  const wrong = { ...resultOf([rawRound(1, 2)]), machine: {} };
  expect(() => checkResult(wrong, 'a.json')).toThrow(/a\.json is no result of a bench: \/machine must have/);
});

test('only the sections of what was measured change; what is written by hand stays', () => {
  const page = `# Benchmarks\n\nby hand\n\n${LAST}\n\nalso by hand\n`;
  const first = resultOf([rawRound(10, 40), rawRound(10, 41)]);
  const other = resultOf([rawRound(5, 6), rawRound(5, 7)], { package: 'checkpoint' });
  const once = withResults(page, [first, other]);
  expect(once).toMatch(/^# Benchmarks\n\nby hand\n/);
  expect(once).toMatch(/also by hand\n$/);
  const again = withResults(once, [resultOf([rawRound(99, 40), rawRound(99, 40)])]);
  expect(again).toContain('99.0 (99.0–99.0) ms');
  expect(again).not.toContain('10.0 (10.0–10.0) ms');
  expect(again.match(/### flush/g)).toHaveLength(1);
  expect(again).toContain(section(other));
  expect(withResults(once, [first, other])).toBe(once);
  expect(() => withResults('# nothing', [first])).toThrow(/no place for flush/);
});

test('figures have three digits that count', () => {
  expect([0, 0.012345, 1.2345, 12.345, 123.45, 123456, -0.5, Infinity].map(figure)).toEqual([
    '0',
    '0.0123',
    '1.23',
    '12.3',
    '123',
    '123456',
    '-0.500',
    '–',
  ]);
});
