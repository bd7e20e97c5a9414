import { defineConfig } from 'vitest/config';

const conditions = ['@osforge/source', 'module', 'node', 'development|production'];

/** Whole builds with real machines, two at a time: one alone waits for its disk and its single threads too often. */
export default defineConfig({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: {
    include: ['test/e2e/**/*.e2e.ts'],
    maxWorkers: 2,
    testTimeout: 20 * 60_000,
    hookTimeout: 20 * 60_000,
  },
});
