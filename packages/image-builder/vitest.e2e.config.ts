import { defineConfig } from 'vitest/config';

const conditions = ['@osforge/source', 'module', 'node', 'development|production'];

/** Whole builds with real machines: one after the other, since each of them keeps the processors busy. */
export default defineConfig({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: {
    include: ['test/e2e/**/*.e2e.ts'],
    fileParallelism: false,
    testTimeout: 20 * 60_000,
    hookTimeout: 20 * 60_000,
  },
});
