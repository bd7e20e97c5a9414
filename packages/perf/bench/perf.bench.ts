import { expect, test } from 'vitest';
import { perfGreeting } from '@osforge/perf';

test('a greeting, beside plain concatenation', async ({ bench }) => {
  expect(perfGreeting('Ada')).toContain('Ada');
  await bench.compare(
    bench('perf', () => {
      perfGreeting('Ada');
    }),
    bench('concatenation', () => {
      ['perf greets', 'Ada'].join(' ');
    }),
  );
});
