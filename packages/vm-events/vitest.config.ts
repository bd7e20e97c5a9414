import { defineProject } from 'vitest/config';

const conditions = ['@osforge/source', 'module', 'node', 'development|production'];

export default defineProject({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: { include: ['test/**/*.test.ts'] },
});
