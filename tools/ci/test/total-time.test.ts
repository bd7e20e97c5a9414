import { expect, test } from 'vitest';
import { totalTime } from '../total-time.mjs';

test('the total is said in minutes and seconds', () => {
  expect(totalTime(0)).toEqual(['== total: 0 min 00 s']);
  expect(totalTime(12 * 60_000 + 7_400)).toEqual(['== total: 12 min 07 s']);
  expect(totalTime(30 * 60_000)).toEqual(['== total: 30 min 00 s']);
});

test('more than thirty minutes is a warning', () => {
  expect(totalTime(31 * 60_000)).toEqual(['== total: 31 min 00 s', expect.stringContaining('warning')]);
});
