import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Machine } from '@osforge/hypervisor';
import { openBench, type Bench, type GuestMode } from './support/guest-image.ts';

const LIMIT = { timeout: 300_000 };
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.dispose();
});

async function running(mode: GuestMode): Promise<Machine> {
  const machine = await bench.create(await bench.spec(mode));
  const up = machine.waitForConsole(/guest up/);
  await machine.start();
  await up;
  return machine;
}

describe('the stop ladder', LIMIT, () => {
  test('the power button is enough for a guest that heeds it', async () => {
    const machine = await running('b');
    const report = await machine.stop({ gracefulTimeoutMs: 60_000 });
    expect(report.rung).toBe('acpi');
    expect((await machine.ended).shutdownReason).toBe('guest-shutdown');
    expect((await machine.stop()).rung).toBe('already-stopped');
  });

  test('quit ends a guest that does not', async () => {
    const machine = await running('h');
    const report = await machine.stop({ gracefulTimeoutMs: 100 });
    expect(report.rung).toBe('quit');
    expect(report.attempts.map(({ rung, outcome }) => [rung, outcome])).toEqual([
      ['acpi', 'no-effect'],
      ['quit', 'ended'],
    ]);
    expect((await machine.ended).shutdownReason).toBe('host-qmp-quit');
  });

  test('a paused guest is not asked to press its button', async () => {
    const machine = await bench.create(await bench.spec('b'));
    const report = await machine.stop();
    expect(report.rung).toBe('quit');
    expect(report.attempts[0]).toMatchObject({ rung: 'acpi', outcome: 'skipped' });
  });

  test('SIGTERM ends a QEMU whose monitor is lost', async () => {
    const machine = await running('h');
    machine.qmp.close();
    const report = await machine.stop();
    expect(report.rung).toBe('sigterm');
  });

  test('SIGKILL ends a QEMU that does nothing any more', async () => {
    const machine = await running('h');
    process.kill(machine.pid, 'SIGSTOP');
    const report = await machine.stop({ gracefulTimeoutMs: 100, quitTimeoutMs: 100 });
    expect(report.rung).toBe('sigkill');
    expect((await machine.ended).exit?.signal).toBe('SIGKILL');
  });

  test('a fired signal goes to SIGKILL at once', async () => {
    const machine = await running('h');
    const cut = new AbortController();
    const stopping = machine.stop({ gracefulTimeoutMs: 600_000, signal: cut.signal });
    cut.abort();
    expect((await stopping).rung).toBe('sigkill');
  });

  test('no socket or folder is left', async () => {
    const spec = await bench.spec('h');
    const machine = await bench.create(spec);
    expect(await readdir(spec.runtimeDir)).toHaveLength(1);
    await machine.kill();
    expect(await readdir(spec.runtimeDir)).toEqual([]);
  });
});
