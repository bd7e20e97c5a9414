import { defineProject } from 'vitest/config';

const conditions = ['@osforge/source', 'module', 'node', 'development|production'];

export default defineProject({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  // Each test starts processes, on a machine that may be busy with others.
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
