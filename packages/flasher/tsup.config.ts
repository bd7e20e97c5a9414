import { defineConfig } from 'tsup';

export default defineConfig({
  // The process that does the I/O and the thread that hashes are started from files of their own, beside the index.
  entry: {
    index: 'src/index.ts',
    'engine-process': 'src/engine-process.ts',
    'digest-worker': 'src/engine/digest-worker.ts',
  },
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  dts: { entry: 'src/index.ts' },
  clean: true,
});
