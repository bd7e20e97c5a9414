import { expect, test } from 'vitest';
import { freeRangeStart, parseIdRange } from '../../src/build/user-namespace.ts';

const user = { name: 'ada', uid: 1815 };

test.each([
  ['by name', 'bob:100000:65536\nada:165536:65536\n', { first: 165_536, count: 65_536 }],
  ['by number', '1815:200000:65536', { first: 200_000, count: 65_536 }],
  ['the first of several', 'ada:1:2\nada:3:4', { first: 1, count: 2 }],
  ['none', 'adam:100000:65536\n', undefined],
  ['none in an empty file', '', undefined],
  ['none in a line that is broken', 'ada:x:65536', undefined],
])('a range of subordinate ids is found %s', (_, text, expected) => {
  expect(parseIdRange(text, user)).toEqual(expected);
});

test('a free range begins after every range of either file, and not below what login.defs uses', () => {
  expect(freeRangeStart(['', ''])).toBe(100_000);
  expect(freeRangeStart(['bob:1000:10\n', 'broken\n'])).toBe(100_000);
  expect(freeRangeStart(['bob:100000:65536\n', 'eve:165536:65536\n'])).toBe(231_072);
});
