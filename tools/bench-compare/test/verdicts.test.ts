import { expect, test } from 'vitest';
import { rawRound, resultOf } from '../../bench/test/fake-result.ts';
import { normal, seeded } from '../../bench/test/random.ts';
import { report } from '../report.mjs';
import { compareResults } from '../verdicts.mjs';

const options = { confidence: 0.99, leastEffect: 0.05 };
const ROUNDS = 5;
const PAIRS = 2000;

/** How often each verdict falls when the second is `change` times as slow, under noise of a known form. */
function verdicts(change: number, noise: () => number, seed: number): Record<string, number> {
  const machine = normal(seeded(seed));
  const counts: Record<string, number> = { slower: 0, faster: 0, noise: 0 };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const measure = (factor: number): ReturnType<typeof resultOf> =>
      resultOf(
        Array.from({ length: ROUNDS }, () => {
          // The whole machine is slowed by other work, in each round anew; that must fall out of the ratio.
          const slowed = Math.exp(Math.abs(machine()) * 0.5);
          return rawRound(10 * factor * slowed * Math.exp(noise()), 40 * slowed * Math.exp(noise()));
        }),
      );
    const [line] = compareResults(measure(1), measure(change), options);
    const said = line?.verdict ?? 'none';
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
}

const draw = normal(seeded(11));
const even = seeded(12);
/** Mostly calm, and each tenth value off by half: a neighbour that wakes up. */
const outliers = (): number => draw() * 0.02 + (even() < 0.1 ? 0.4 : 0);

test.each([
  ['3% of normal noise', (): number => draw() * 0.03],
  ['10% of normal noise', (): number => draw() * 0.1],
  ['noise with outliers', outliers],
])('of equal ones, no more than 1 in 100 is called slower or faster: %s', (_name, noise) => {
  const { slower = 0, faster = 0 } = verdicts(1, noise, 1);
  expect((slower + faster) / PAIRS).toBeLessThanOrEqual(0.013);
});

test('what is slower by 20% is found in more than 95 of 100, at 3% of noise', () => {
  const { slower = 0, faster = 0 } = verdicts(1.2, () => draw() * 0.03, 2);
  expect(slower / PAIRS).toBeGreaterThan(0.95);
  expect(faster).toBe(0);
});

test('what is faster by half is found even at 10% of noise', () => {
  expect((verdicts(0.5, () => draw() * 0.1, 3)['faster'] ?? 0) / PAIRS).toBeGreaterThan(0.95);
});

test('a change that is certain but below the least effect is noise', () => {
  expect(verdicts(1.02, () => draw() * 0.0005, 4)['noise']).toBe(PAIRS);
});

test('on another machine only ratios are compared, and it is said', () => {
  const before = resultOf([rawRound(10, 40), rawRound(10.1, 40), rawRound(9.9, 40)]);
  const machine = { ...before.machine, cpu: 'B' };
  const after = resultOf([rawRound(30, 120), rawRound(30.1, 120), rawRound(29.9, 120)], { machine });
  expect(compareResults(before, after, options)).toMatchObject([
    { verdict: 'noise', by: 'ratio to sha256sum' },
  ]);
  const alone = [rawRound(30), rawRound(30.1), rawRound(29.9)];
  expect(compareResults(resultOf(alone), resultOf(alone, { machine }), options)).toMatchObject([
    { verdict: 'not comparable', why: 'no peer in common, and the machines differ' },
  ]);
  expect(compareResults(resultOf(alone), resultOf(alone), options)).toMatchObject([{ verdict: 'noise' }]);
  const { text } = report([before], [after], options);
  expect(text).toContain('so only ratios to a peer are compared: cpu: A and B');
});

test('entries that only one has, and single rounds, are not compared', () => {
  const before = resultOf([rawRound(1, 2, 'old'), rawRound(1, 2, 'old'), rawRound(1, 2, 'one')]);
  const after = resultOf([rawRound(1, 2, 'new'), rawRound(1, 2, 'one')]);
  const lines = compareResults(before, after, options);
  expect(lines.map(({ group, why }) => [group, why])).toEqual([
    ['new', 'the first has no such entry'],
    ['one', 'one round says nothing of the noise'],
    ['old', 'the second has no such entry'],
  ]);
});

test('what has a round of 0 or below is not compared', () => {
  const before = resultOf([rawRound(1, 2), rawRound(1, 2), rawRound(1, 2)]);
  const withRounds = (rounds: number[]): typeof before => ({
    ...before,
    groups: before.groups.map((group) => ({
      ...group,
      ratios: group.ratios.map((ratio) => ({ ...ratio, rounds })),
    })),
  });
  for (const rounds of [
    [0, 0, 0],
    [1, 0, 1],
    [-1, -1, -1],
  ]) {
    expect(compareResults(before, withRounds(rounds), options)).toMatchObject([
      { verdict: 'not comparable', why: 'a round is not above 0, which has no ratio' },
    ]);
    expect(compareResults(withRounds(rounds), before, options)).toMatchObject([
      { verdict: 'not comparable' },
    ]);
  }
});

test('two packages are no pair', () => {
  const other = resultOf([rawRound(1, 2)], { package: 'checkpoint' });
  expect(() => report([resultOf([rawRound(1, 2)])], [other], options)).toThrow(/nothing to compare/);
});
