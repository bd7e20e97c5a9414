import { expect, test } from 'vitest';
import { AdaptiveDepth } from '../src/engine/adaptive-depth.ts';

/** A device that writes so many chunks a second with so many under way; the depth after each change, the first one first. */
function depths(options: { max: number; speed: (depth: number) => number; changes: number }): number[] {
  let now = 0;
  const depth = new AdaptiveDepth(options.max, () => now);
  const seen = [depth.current];
  while (seen.length <= options.changes) {
    const before = depth.current;
    for (let write = 0; write < 1000 && depth.current === before; write += 1) {
      depth.completed(1024 * 1024);
      now += 1000 / options.speed(before);
    }
    if (depth.current === before) break; // it has settled
    seen.push(depth.current);
  }
  return seen;
}

test('climbs while that makes the device faster, and not beyond the most it may', () => {
  const seen = depths({ max: 8, speed: (depth) => 10 * depth, changes: 6 });
  expect(seen).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect(Math.max(...depths({ max: 4, speed: (depth) => 10 * depth, changes: 50 }))).toBe(4);
});

test('steps back where one more makes it slower', () => {
  const best = 4;
  const seen = depths({ max: 8, speed: (depth) => 100 - 20 * Math.abs(depth - best), changes: 40 });
  expect(seen.slice(0, 6)).toEqual([2, 3, 4, 5, 4, 3]);
  // It goes on to look, never further than needed.
  expect(Math.max(...seen)).toBe(best + 1);
  expect(Math.min(...seen.slice(2))).toBe(best - 1);
});

test('prefers the smaller number where both are as fast: each write holds a part of the window', () => {
  const seen = depths({ max: 8, speed: () => 50, changes: 60 });
  // One is tried again and again, in case the device has become one that gains by more.
  expect(seen.filter((depth) => depth > 2).length).toBeLessThanOrEqual(1);
  expect(seen.slice(3).every((depth) => depth <= 2)).toBe(true);
});

test('takes a lower limit at once, and goes on from there', () => {
  let now = 0;
  const depth = new AdaptiveDepth(8, () => now);
  while (depth.current < 6) {
    depth.completed(1024);
    now += 100 / depth.current;
  }
  depth.max = 3;
  expect(depth.current).toBe(3);
  for (let write = 0; write < 400; write += 1) {
    depth.completed(1024);
    now += 100 * 0.99 ** write; // faster and faster: it would climb
    expect(depth.current).toBeLessThanOrEqual(3);
  }
  depth.max = 8;
  expect(depth.current).toBe(3);
  depth.max = 0;
  expect(depth.current).toBe(1);
});

test('does not measure in no time at all', () => {
  const depth = new AdaptiveDepth(8, () => 5);
  for (let write = 0; write < 100; write += 1) depth.completed(1024);
  expect(depth.current).toBe(2);
});
