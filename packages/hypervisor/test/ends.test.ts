import { readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { decideVerdict } from '@osforge/vm-events';
import { firstValueFrom, skip, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MachineGoneError } from '@osforge/hypervisor';
import { openBench, type Bench } from './support/guest-image.ts';

const LIMIT = { timeout: 300_000 };
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

test('the log has every byte once, also after a time in which nobody read the console', LIMIT, async () => {
  const spec = await bench.spec('w');
  const machine = await bench.create(spec);
  const counting = machine.waitForConsole(/^[A-P]{8}$/);
  await machine.start();
  await counting;
  // The console's socket fills up, and QEMU tries its bytes again and again.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
  await firstValueFrom(machine.console$.pipe(skip(20)));
  await machine.kill();
  const lines = (await readFile(spec.consoleLog, 'utf8')).split('\n').map((line) => line.trimEnd());
  const numbers = lines
    .slice(
      lines.findIndex((line) => /^[A-P]{8}$/.test(line)),
      -1,
    )
    .map((line) => Buffer.from(line).reduce((sum, letter) => sum * 16 + letter - 65, 0));
  const [first = Number.NaN] = numbers;
  expect(numbers.length).toBeGreaterThan(20);
  expect(numbers).toEqual(numbers.map((_, index) => first + index));
});

test('a log that cannot be written is told in the console, and the machine goes on', LIMIT, async () => {
  // A file for which there is never any space; a symbolic link, because its folder is made if absent.
  const consoleLog = join(bench.folder, 'full.log');
  await symlink('/dev/full', consoleLog);
  const machine = await bench.create(await bench.spec('p', { consoleLog }));
  const lines = firstValueFrom(machine.console$.pipe(toArray()));
  await machine.start();
  expect(decideVerdict({ ...(await machine.ended), filesystem: 'clean' }).kind).toBe('clean');
  const said = (await lines).filter((line) => line.startsWith('--- '));
  expect(said).toEqual([expect.stringMatching(/full\.log ends here: ENOSPC/)]);
});

test(
  'what is typed on the console is taken while the machine is there, and refused afterwards',
  LIMIT,
  async () => {
    const machine = await bench.create(await bench.spec('h'));
    await machine.start();
    await machine.sendToConsole('root\n');
    await machine.kill();
    await expect(machine.sendToConsole('root\n')).rejects.toBeInstanceOf(MachineGoneError);
  },
);
