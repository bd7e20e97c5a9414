import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'vitest';
import { openBench } from '../test/support/guest-image.ts';

const RUNS = { iterations: 8, time: 0, warmupIterations: 1, warmupTime: 0 };

/** From QEMU's own time stamp of SHUTDOWN until `wait` knows that the process is gone, in ms. */
async function measure(
  wait: (pid: number, stopped: Promise<unknown>) => Promise<unknown>,
): Promise<{ overriddenDuration: number }> {
  const place = await openBench();
  try {
    const machine = await place.create(await place.spec('p'));
    const stopped = machine.waitForState('stopped', { timeoutMs: 60_000 });
    await machine.start();
    await wait(machine.pid, stopped);
    const resolvedAtMs = Date.now();
    const { shutdownAtMs } = await machine.ended;
    if (shutdownAtMs === undefined) throw new Error('the guest did not power off');
    // Date.now() has whole milliseconds, QEMU's stamp has micro: below 0 is rounding.
    return { overriddenDuration: Math.max(0, resolvedAtMs - shutdownAtMs) };
  } finally {
    await place.dispose();
  }
}

const POLL_MS = 500;

/** What build tools commonly do. The first look is at a time that has nothing to do with the machine. */
async function poll(pid: number, firstLookMs: number): Promise<void> {
  await sleep(firstLookMs);
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(POLL_MS);
  }
}

test('power-off in the guest, process exit included', { timeout: 600_000 }, async ({ bench }) => {
  let polled = 0;
  await bench.compare(
    bench('waitForState', () => measure((_pid, stopped) => stopped)),
    bench('peer: polling each 500 ms', () =>
      measure((pid) => poll(pid, ((polled++ * 0.381_966) % 1) * POLL_MS)),
    ),
    RUNS,
  );
});
