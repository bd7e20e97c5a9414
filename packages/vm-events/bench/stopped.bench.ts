import { setTimeout as sleep } from 'node:timers/promises';
import { waitForState } from '@osforge/vm-events';
import { test } from 'vitest';
import { openPlace } from './power-off-machine.ts';

const MACHINES = 20;
const POLL_MS = 500;

interface Samples {
  readonly exit: number[];
  readonly stopped: number[];
  readonly polled: Promise<number>[];
}

/** Wall clock in ms, like QEMU's time stamps, in parts of a millisecond. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** What build tools commonly do. The first look is at a time that has nothing to do with the machine. */
async function poll(pid: number, firstLookMs: number): Promise<number> {
  await sleep(firstLookMs);
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return wallMs();
    }
    await sleep(POLL_MS);
  }
}

/**
 * Three observers watch the same machines power off, from QEMU's own time stamp of SHUTDOWN on, in ms: what they
 * differ by is theirs, and not the machine's.
 */
async function watchMachines(): Promise<Samples> {
  const samples: Samples = { exit: [], stopped: [], polled: [] };
  const place = await openPlace();
  try {
    for (let index = 0; index < MACHINES; index += 1) {
      const machine = await place.create();
      let shutdownMs: number | undefined;
      let exitMs = Number.NaN;
      machine.qmp.events$.subscribe(({ event, timeMs }) => {
        if (event === 'SHUTDOWN') shutdownMs = timeMs;
      });
      machine.onExit(() => {
        exitMs = wallMs();
      });
      const stopped = waitForState(machine.source, 'stopped', { timeoutMs: 60_000 });
      const polled = poll(machine.pid, ((index + 0.5) / MACHINES) * POLL_MS);
      await machine.qmp.execute('cont');
      await stopped;
      const stoppedMs = wallMs();
      if (shutdownMs === undefined) throw new Error('The guest did not power off.');
      const fromMs = shutdownMs;
      samples.exit.push(exitMs - fromMs);
      samples.stopped.push(stoppedMs - fromMs);
      samples.polled.push(polled.then((atMs) => atMs - fromMs));
    }
  } finally {
    await place.dispose();
  }
  return samples;
}

/** Gives the samples to vitest one by one; it also calls once to see whether the function is asynchronous. */
function replay(samples: readonly number[]): () => { overriddenDuration: number } {
  let calls = 0;
  return () => {
    const sample = samples[calls % samples.length];
    if (sample === undefined) throw new Error('No machine was watched.');
    calls += 1;
    return { overriddenDuration: sample };
  };
}

test('power-off in the guest until it is known', { timeout: 600_000 }, async ({ bench }) => {
  const samples = await watchMachines();
  await bench.compare(
    bench("floor: Node's exit event of the process", replay(samples.exit)),
    bench("waitForState('stopped')", replay(samples.stopped)),
    bench(`peer: a look at the process each ${POLL_MS} ms`, replay(await Promise.all(samples.polled))),
    { iterations: MACHINES, time: 0, warmup: false },
  );
});
