import { expect, test } from 'vitest';
import { perfGreeting } from '@osforge/perf';

test('names who is greeted', () => {
  expect(perfGreeting('Ada')).toBe('perf greets Ada');
});

test('refuses an empty name', () => {
  expect(() => perfGreeting('')).toThrow(RangeError);
});
