import { expect, test } from 'vitest';
import { flasherGreeting } from '@osforge/flasher';

test('a greeting, beside plain concatenation', async ({ bench }) => {
  expect(flasherGreeting('Ada')).toContain('Ada');
  await bench.compare(
    bench('flasher', () => {
      flasherGreeting('Ada');
    }),
    bench('concatenation', () => {
      ['flasher greets', 'Ada'].join(' ');
    }),
  );
});
