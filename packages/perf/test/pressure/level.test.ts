import { expect, test } from 'vitest';
import { defaultThresholds, nextLevel, worstMeasure, type LevelState } from '../../src/pressure/level.ts';

/** The levels after readings of the heap's fraction, one a second. */
function levels(...fractions: number[]): string[] {
  let state: LevelState = { level: 'normal', calm: undefined };
  const thresholds = { ...defaultThresholds, calmMs: 2000 };
  return fractions.map((heap, second) => {
    state = nextLevel(state, { heap, rss: 0.1, cgroup: undefined }, second * 1000, thresholds);
    return state.level;
  });
}

test('rises at once', () => {
  expect(levels(0.5, 0.75, 0.9)).toEqual(['normal', 'elevated', 'critical']);
  expect(levels(0.95)).toEqual(['critical']);
});

test('falls after a while below the margin only', () => {
  expect(levels(0.8, 0.72, 0.72, 0.72, 0.72, 0.72)).toEqual(Array(6).fill('elevated'));
  expect(levels(0.8, 0.6, 0.6, 0.6)).toEqual(['elevated', 'elevated', 'elevated', 'normal']);
  expect(levels(0.95, 0.8, 0.8, 0.8)).toEqual(['critical', 'critical', 'critical', 'elevated']);
});

test('does not flap around a threshold', () => {
  const wobble = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 0.76 : 0.6));
  expect(new Set(levels(...wobble))).toEqual(new Set(['elevated']));
});

test('falls from critical no further than to the worst level of the calm time', () => {
  const falling = levels(0.95, 0.8, 0.8, 0.1, 0.1, 0.1, 0.1);
  expect(falling.slice(2, 6)).toEqual(['critical', 'elevated', 'elevated', 'elevated']);
  expect(falling.at(-1)).toBe('normal');
  expect(levels(0.95, 0.1, 0.1, 0.1)).toEqual(['critical', 'critical', 'critical', 'normal']);
});

test('takes the worst measure, and none for calm', () => {
  expect(worstMeasure({ heap: 0.2, rss: 0.3, cgroup: 0.9 })).toBe('cgroup');
  expect(worstMeasure({ heap: undefined, rss: undefined, cgroup: undefined })).toBeUndefined();
  const none = { heap: undefined, rss: undefined, cgroup: undefined };
  expect(nextLevel({ level: 'normal', calm: undefined }, none, 0, defaultThresholds).level).toBe('normal');
});
