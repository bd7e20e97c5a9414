import { expect, test } from 'vitest';
import { flasherGreeting } from '@osforge/flasher';

test('names who is greeted', () => {
  expect(flasherGreeting('Ada')).toBe('flasher greets Ada');
});

test('refuses an empty name', () => {
  expect(() => flasherGreeting('')).toThrow(RangeError);
});
