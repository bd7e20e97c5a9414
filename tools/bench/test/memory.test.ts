import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { watchCycles } from '../memory/watch-cycles.mjs';

const steady = { collect: () => undefined, heapBytes: () => 1_000_000 };

test('growth is told for 1000 cycles, without that of the warm-up', async () => {
  let cycles = 0;
  const heapBytes = (): number => 1_000_000 + cycles * 64 + (cycles % 3);
  const result = await watchCycles(
    { cycle: () => void (cycles += 1), cycles: 400 },
    { ...steady, heapBytes },
  );
  expect(result).toMatchObject({ cycles: 400, warmupCycles: 200 });
  expect(cycles).toBe(600);
  expect(result.bytesPerThousandCycles).toBeGreaterThan(63_900);
  expect(result.bytesPerThousandCycles).toBeLessThan(64_100);
  expect(result.low).toBeGreaterThan(0);
});

test('listeners and handles that stay are counted, and the end is called even after a failure', async () => {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  const timers: NodeJS.Timeout[] = [];
  const teardown = (): void => {
    for (const timer of timers) clearInterval(timer);
  };
  const result = await watchCycles(
    {
      cycle: () => {
        emitter.on('x', () => undefined);
        timers.push(setInterval(() => undefined, 1_000_000));
      },
      teardown,
      cycles: 20,
      listeners: () => emitter.listenerCount('x'),
    },
    steady,
  );
  expect(result.listenersAfter - result.listenersBefore).toBe(20);
  expect(result.handlesAfter - result.handlesBefore).toBe(20);
  expect(result.bytesPerThousandCycles).toBe(0);

  let ended = false;
  const failing = watchCycles(
    { cycle: () => Promise.reject(new Error('broken')), teardown: () => (ended = true) },
    steady,
  );
  await expect(failing).rejects.toThrow('broken');
  expect(ended).toBe(true);
});
