import { defineProject } from 'vitest/config';

const conditions = ['@osforge/source', 'module', 'node', 'development|production'];

export default defineProject({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  // Generous: a busy machine of two cores is no reason to fail.
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
