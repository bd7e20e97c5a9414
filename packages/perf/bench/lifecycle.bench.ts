import { expect, test } from 'vitest';

import { createInitGraph } from '@osforge/perf';

import { fiftyComponents, longestChain } from './graph-of-fifty.ts';

test('the start of 50 components, beside the longest chain of them alone', async ({ bench }) => {
  const graph = createInitGraph(fiftyComponents());
  // The least of five: others who are busy on the machine only ever make it longer.
  const chainsMs: number[] = [];
  const startsMs: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    await longestChain();
    chainsMs.push(performance.now() - began);
    startsMs.push((await graph.start()).durationMs);
    await graph.stop();
  }
  expect(Math.min(...startsMs)).toBeLessThan(1.1 * Math.min(...chainsMs));
  await bench.compare(
    bench('init graph', async () => {
      await graph.start();
      await graph.stop();
    }),
    bench('floor: the longest chain', longestChain),
  );
});

test('start and stop of 50 components that do nothing', async ({ bench }) => {
  const graph = createInitGraph(fiftyComponents(() => {}));
  await bench('init graph', async () => {
    await graph.start();
    await graph.stop();
  }).run();
});
