import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BufferPool, createInitGraph, createRegistry, RingBuffer } from '@osforge/perf';

/** Longer than Node's timers wait for what they cannot hold: 1 ms. */
const aMoment = (): Promise<void> => wait(20);

/** Calls that take a moment, with a deadline of so many milliseconds. */
const calls: readonly [string, (timeoutMs: number) => Promise<unknown>][] = [
  [
    'a scrape',
    async (timeoutMs) => {
      const registry = createRegistry();
      registry.collector('slow', aMoment, { timeoutMs });
      const families = await registry.collect({ timeoutMs });
      return families.find(({ name }) => name === 'osforge_metrics_collector_failures_total')?.series.length;
    },
  ],
  [
    'a wait for a buffer',
    async (timeoutMs) => {
      const pool = new BufferPool({ sizeBytes: 4096, count: 1 });
      const only = await pool.acquire();
      const next = pool.acquire({ timeoutMs });
      await aMoment();
      pool.release(only);
      return (await next) === only ? 0 : 1;
    },
  ],
  [
    'a wait for items',
    async (timeoutMs) => {
      const ring = new RingBuffer<number>({ capacity: 1, overflow: 'reject' });
      const came = ring.waitForItems({ timeoutMs });
      await aMoment();
      ring.push(0);
      return (await came) ? ring.shift() : 1;
    },
  ],
  [
    'start and stop of a component',
    async (timeoutMs) => {
      const slow = { name: 'slow', start: aMoment, stop: aMoment };
      const graph = createInitGraph([{ ...slow, startTimeoutMs: timeoutMs, stopTimeoutMs: timeoutMs }]);
      await graph.start();
      return (await graph.stop({ timeoutMs })).late.length;
    },
  ],
];

for (const timeoutMs of [Infinity, 2 ** 31])
  test.each(calls)(`%s with a deadline of ${timeoutMs} ms waits as long as it takes`, async (_what, call) => {
    expect(await call(timeoutMs)).toBe(0);
  });
