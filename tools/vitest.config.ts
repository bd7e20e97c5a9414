import { defineProject } from 'vitest/config';

export default defineProject({
  // Generous: a busy machine of two cores is no reason to fail.
  test: { include: ['*/test/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000 },
});
