import assert from 'node:assert/strict';
import type { Machine } from '../hypervisor.ts';
import type { WaitOptions } from '../wait.ts';
import {
  contractCase,
  contractChannel,
  contractDisk,
  contractDrive,
  type CaseBench,
  type ContractCase,
} from './contract-case.ts';

/** More than any pipe or socket holds. */
const flood = 'x'.repeat(8 * 2 ** 20);

/** Everything that waits for a machine, begun on one that answers nothing. */
function waits(bench: CaseBench, machine: Machine, options: WaitOptions): Record<string, Promise<unknown>> {
  const name = options.signal === undefined ? 'late' : 'cut';
  const overlays = { [contractDisk]: bench.path(`${name}.qcow2`) };
  return {
    start: machine.start(options),
    pause: machine.pause(options),
    waitForState: machine.waitForState('stopped', options),
    waitForConsole: machine.waitForConsole(/never/, options),
    sendToConsole: machine.sendToConsole(flood, options),
    send: machine.channel(contractChannel).send(flood, options),
    insertMedium: machine.insertMedium(contractDrive, bench.path('absent.iso'), options),
    ejectMedium: machine.ejectMedium(contractDrive, options),
    freezeDisks: machine.freezeDisks({ ...options, overlays }),
    saveState: machine.saveState({ ...options, overlays, statePath: bench.path(`${name}.state`) }),
  };
}

/** The codes of an error and of what caused it. */
function codesOf(error: unknown): string {
  const codes: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause)
    if ('code' in one && typeof one.code === 'string') codes.push(one.code);
  return codes.join(' ');
}

async function rejectsEach(begun: Record<string, Promise<unknown>>, code: RegExp): Promise<void> {
  // All at once: one that fails while another is looked at must not count as unhandled.
  const outcomes = await Promise.allSettled(Object.values(begun));
  for (const [index, name] of Object.keys(begun).entries()) {
    const outcome = outcomes[index];
    assert.equal(outcome?.status, 'rejected', `${name} resolved on a machine that answers nothing`);
    assert.match(codesOf(outcome.reason), code, name);
  }
}

export const waitCases: readonly ContractCase[] = [
  contractCase(
    'every wait ends at its deadline and by its signal, also on a machine that answers nothing',
    async (bench) => {
      const machine = await bench.running('stand-still');
      bench.stall(machine);
      await rejectsEach(waits(bench, machine, { timeoutMs: 100 }), /TIMEOUT/);
      assert.equal((await machine.waitForEnd({ timeoutMs: 1 })).timedOut, true);
      const stop = new AbortController();
      const forLong = { timeoutMs: 2 ** 31 - 1, signal: stop.signal };
      const rejected = rejectsEach(waits(bench, machine, forLong), /CANCELLED|ABORTED/);
      stop.abort();
      await rejected;
      // A signal that fired long ago counts as well.
      await rejectsEach(waits(bench, machine, forLong), /CANCELLED|ABORTED/);
    },
  ),
];
