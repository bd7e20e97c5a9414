import { describe, expect, test } from 'vitest';
import type { PipelineEvents } from '../src/events.ts';
import { expectDurations, percentDone, remainingMs } from '../src/progress.ts';
import { createTracker } from '../src/tracker.ts';

const phases = [
  { name: 'a', weight: 1, dependsOn: [] },
  { name: 'b', weight: 3, dependsOn: ['a'] },
  { name: 'c', weight: 4, dependsOn: ['a'] },
];

describe('expected durations', () => {
  test('are the weights without history, and then no time is known', () => {
    const expectation = expectDurations(phases, {});
    expect(expectation.known).toBe(false);
    expect(percentDone(expectation, (name) => (name === 'a' ? 1 : 0))).toBe(12.5);
    expect(
      remainingMs(phases, expectation, () => ({ fraction: 0, elapsedMs: undefined }), 1),
    ).toBeUndefined();
  });

  test('come from history; a phase without any is scaled by its weight', () => {
    const { known, durations } = expectDurations(phases, { a: 500, b: 1500, nobody: 9 });
    expect(known).toBe(true);
    expect([...durations]).toEqual([
      ['a', 500],
      ['b', 1500],
      ['c', 2000],
    ]);
  });

  test('are never nothing, whatever the history says', () => {
    const { durations } = expectDurations(phases, { a: 0, b: -3, c: Number.NaN });
    for (const duration of durations.values()) expect(duration).toBeGreaterThan(0);
  });
});

describe('remaining time', () => {
  const expectation = expectDurations(phases, { a: 1000, b: 3000, c: 4000 });
  const at = (fractions: Record<string, number>) => (name: string) => ({
    fraction: fractions[name] ?? 0,
    elapsedMs: undefined,
  });

  test('is the longest chain where phases run together', () => {
    expect(remainingMs(phases, expectation, at({}), 9)).toBe(5000);
    expect(remainingMs(phases, expectation, at({ a: 1, c: 0.5 }), 9)).toBe(3000);
  });

  test('is everything that is left where they cannot', () => {
    expect(remainingMs(phases, expectation, at({}), 1)).toBe(8000);
  });

  test('counts down by the clock for a phase that reports nothing, and not below zero', () => {
    const silent = (elapsedMs: number) => () => ({ fraction: 0, elapsedMs });
    expect(remainingMs(phases.slice(0, 1), expectation, silent(400), 1)).toBe(600);
    expect(remainingMs(phases.slice(0, 1), expectation, silent(4000), 1)).toBe(0);
  });
});

describe('the percentage', () => {
  function tracked(history: Record<string, number> = {}) {
    const seen: PipelineEvents['pipeline.progress'][] = [];
    const tracker = createTracker({
      phases,
      expectation: expectDurations(phases, history),
      concurrency: 9,
      monotonic: () => 0,
      // The tracker publishes nothing else; the test would show it by a wrong entry.
      publish: (_, data) => seen.push(data as PipelineEvents['pipeline.progress']),
    });
    return { tracker, seen };
  }

  test('moves by weight, never goes back, and is 100 only at the end', () => {
    const { tracker, seen } = tracked();
    tracker.started('a');
    tracker.report('a', 0.8);
    tracker.report('a', 0.4);
    tracker.report('a', Number.NaN);
    tracker.done('a');
    tracker.report('b', 7);
    tracker.done('b');
    tracker.done('c');
    tracker.finish();
    expect(seen.map(({ percent }) => percent)).toEqual([0, 10, 12.5, 49.9, 50, 99.9, 100]);
    expect(seen.every((event) => !('etaMs' in event))).toBe(true);
  });

  test('what is not wanted counts for nothing', () => {
    const { tracker, seen } = tracked();
    tracker.leaveOut('c');
    tracker.started('a');
    tracker.done('a');
    tracker.report('b', 0.5);
    expect(seen.map(({ percent }) => percent)).toEqual([0, 25, 62.5]);
  });

  test('comes with an expected time when there is history', () => {
    const { tracker, seen } = tracked({ a: 1000, b: 3000, c: 4000 });
    tracker.started('a');
    tracker.done('a');
    expect(seen).toEqual([
      { percent: 0, etaMs: 5000 },
      { percent: 12.5, etaMs: 4000 },
    ]);
  });

  test('takes at most a thousand events, however finely a phase reports', () => {
    const { tracker, seen } = tracked();
    for (let step = 0; step < 100_000; step += 1) tracker.report('c', step / 100_000);
    expect(seen.length).toBeLessThanOrEqual(501);
  });
});
