import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'engine-process': 'src/engine-process.ts' },
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  dts: true,
  clean: true,
});
