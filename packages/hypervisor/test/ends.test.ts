import { readdir, readFile } from 'node:fs/promises';
import { decideVerdict } from '@osforge/vm-events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBench, type Bench } from './support/guest-image.ts';

const LIMIT = { timeout: 120_000 };
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.dispose();
});

describe('the ends of a real guest', LIMIT, () => {
  test('power-off', async () => {
    const machine = await bench.create(await bench.spec('p'));
    const banner = machine.waitForConsole(/guest up/);
    await machine.start();
    expect(await banner).toBe('guest up');
    expect(await machine.waitForState('stopped', { timeoutMs: 60_000 })).toBe('stopped');
    const evidence = await machine.ended;
    expect(evidence).toMatchObject({
      shutdownReason: 'guest-shutdown',
      qmpEof: true,
      timedOut: false,
      exit: { code: 0, signal: null },
    });
    expect(decideVerdict(evidence).kind).toBe('dirty-filesystem');
    expect(decideVerdict({ ...evidence, filesystem: 'clean' }).kind).toBe('clean');
  });

  test('reset and triple fault', async () => {
    for (const mode of ['r', 't'] as const) {
      const machine = await bench.create(await bench.spec(mode));
      await machine.start();
      expect(decideVerdict({ ...(await machine.ended), filesystem: 'clean' }).kind).toBe('reset');
    }
  });

  test('panic through pvpanic-pci', async () => {
    const machine = await bench.create(await bench.spec('c'));
    await machine.start();
    const evidence = await machine.ended;
    expect(evidence.panic).toBeDefined();
    expect(decideVerdict(evidence).kind).toBe('panic');
  });

  test('killed', async () => {
    const machine = await bench.create(await bench.spec('h'));
    const up = machine.waitForConsole(/guest up/);
    await machine.start();
    await up;
    process.kill(machine.pid, 'SIGKILL');
    const evidence = await machine.ended;
    expect(evidence.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(evidence.shutdownReason).toBeUndefined();
    expect(decideVerdict(evidence).kind).toBe('killed');
  });

  test('a guest that never ends runs into the deadline and is left as it is', async () => {
    const machine = await bench.create(await bench.spec('h'));
    const up = machine.waitForConsole(/guest up/);
    await machine.start();
    await up;
    const evidence = await machine.waitForEnd({ timeoutMs: 200 });
    expect(decideVerdict(evidence).kind).toBe('timeout');
    expect(await machine.source.readState()).toBe('running');
  });
});

test('the console keeps garbage in its log and plain text in its lines', LIMIT, async () => {
  const spec = await bench.spec('g');
  const machine = await bench.create(spec);
  const prompt = machine.waitForConsole(/login: $/);
  await machine.start();
  expect(await prompt).toBe('login: ');
  await machine.ended;
  await machine.waitForState('stopped');
  expect(machine.lastConsoleLines(3)).toEqual(['guest up', '\uFFFD\uFFFDred', 'login: ']);
  const log = await readFile(spec.consoleLog);
  expect(log.includes(Buffer.from([0xff, 0xfe, 0x1b]))).toBe(true);
  expect(await readdir(spec.runtimeDir)).toEqual([]);
});
