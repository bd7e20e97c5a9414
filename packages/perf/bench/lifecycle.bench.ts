import { expect, test } from 'vitest';

import { createInitGraph } from '@osforge/perf';

import { fiftyComponents, longestChain } from './graph-of-fifty.ts';

test('the start of 50 components, beside the longest chain of them alone', async ({ bench }) => {
  const graph = createInitGraph(fiftyComponents());
  const began = performance.now();
  await longestChain();
  const chainMs = performance.now() - began;
  const { durationMs } = await graph.start();
  await graph.stop();
  expect(durationMs).toBeLessThan(1.1 * chainMs);
  await bench.compare(
    bench('init graph', async () => {
      await graph.start();
      await graph.stop();
    }),
    bench('the longest chain', longestChain),
  );
});

test('start and stop of 50 components that do nothing', async ({ bench }) => {
  const graph = createInitGraph(fiftyComponents(() => {}));
  await bench('init graph', async () => {
    await graph.start();
    await graph.stop();
  }).run();
});
