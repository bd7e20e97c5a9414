import { expect, test } from 'vitest';
import { pairedRatio, welchRatio } from '../statistics/ratio.mjs';
import { slope } from '../statistics/slope.mjs';
import { studentT } from '../statistics/student.mjs';
import { median, medianDeviation, quantile, thinned } from '../statistics/summary.mjs';
import { normal, seeded } from './random.ts';

test('quantiles lie between the two nearest values, whatever the order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(quantile([10, 0], 0.05)).toBeCloseTo(0.5);
  expect(medianDeviation([1, 1, 2, 2, 4, 6, 9])).toBe(1);
  expect(median([])).toBeNaN();
});

test('thinning keeps the ends and the quantiles', () => {
  const values = Array.from({ length: 10_001 }, (_, index) => (index * 7919) % 10_001);
  const few = thinned(values, 101);
  expect(few).toHaveLength(101);
  expect([few[0], median(few), few[100]]).toEqual([0, 5000, 10_000]);
  expect(thinned([2, 1], 5)).toEqual([1, 2]);
});

// From printed tables.
test.each([
  [0.95, 1, 12.706],
  [0.95, 4, 2.776],
  [0.99, 4, 4.604],
  [0.99, 8, 3.355],
  [0.95, 19, 2.093],
  [0.999, 2, 31.599],
  [0.95, 1000, 1.962],
])('t for %d with %d degrees of freedom is %d', (confidence, degrees, expected) => {
  expect(studentT(confidence, degrees)).toBeCloseTo(expected, 3);
});

test('what slows ours and the peer in the same round does not move their ratio', () => {
  const { value, low, high } = pairedRatio([1, 10, 3], [2, 20, 6], 0.95);
  expect(value).toBeCloseTo(0.5);
  expect(high - low).toBeLessThan(1e-9);
});

test('one round says nothing of the noise', () => {
  expect(pairedRatio([1], [2], 0.95)).toEqual({ value: 0.5, low: 0, high: Infinity, rounds: [0.5] });
  expect(welchRatio([1], [2, 2], 0.95)).toBeUndefined();
});

test('the interval of a ratio holds the true one in about 95 of 100 measurements', () => {
  const draw = normal(seeded(7));
  let holds = 0;
  for (let measurement = 0; measurement < 2000; measurement += 1) {
    const peer = Array.from({ length: 5 }, () => Math.exp(draw() * 0.3));
    const ours = peer.map((value) => value * 1.7 * Math.exp(draw() * 0.1));
    const { low, high } = pairedRatio(ours, peer, 0.95);
    if (low <= 1.7 && 1.7 <= high) holds += 1;
  }
  expect(holds / 2000).toBeGreaterThan(0.935);
  expect(holds / 2000).toBeLessThan(0.965);
});

test('a line through noisy points', () => {
  const draw = normal(seeded(3));
  const noisy = Array.from({ length: 21 }, (_, x) => ({ x, y: 100 + 5 * x + draw() * 4 }));
  const { value, low, high } = slope(noisy, 0.95);
  expect(low).toBeLessThan(5);
  expect(high).toBeGreaterThan(5);
  expect(value).toBeGreaterThan(4);
  expect(value).toBeLessThan(6);
  expect(
    slope(
      [0, 1, 2, 3].map((x) => ({ x, y: 2 * x })),
      0.95,
    ),
  ).toEqual({ value: 2, low: 2, high: 2 });
});
