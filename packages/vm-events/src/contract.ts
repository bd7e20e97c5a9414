import assert from 'node:assert/strict';
import { lastValueFrom, toArray } from 'rxjs';
import { VmGoneError, VmWaitAbortedError, VmWaitTimeoutError } from './errors.ts';
import type { VmEvent, VmEventSource, VmState } from './source.ts';
import { waitForState } from './wait-for-state.ts';

/** A machine that exists, has not run, and can be moved about by other means than the source under test. */
export interface ContractMachine {
  readonly source: VmEventSource;
  /** Lets the processors run: the first time, or on after a pause. */
  run(): Promise<void>;
  pause(): Promise<void>;
  /** Ends the machine; `stopped` follows. */
  end(): Promise<void>;
  /** Removes what is left. Called once, whatever happened before. */
  dispose(): Promise<void>;
}

export interface ContractCase {
  readonly name: string;
  /** Rejects with an AssertionError when the source breaks the contract. */
  run(create: () => Promise<ContractMachine>): Promise<void>;
}

const LIMIT = { timeoutMs: 60_000 };

function contractCase(name: string, body: (machine: ContractMachine) => Promise<void>): ContractCase {
  return {
    name,
    async run(create) {
      const machine = await create();
      try {
        await body(machine);
      } finally {
        await machine.dispose();
      }
    },
  };
}

function statesOf(source: VmEventSource): Promise<VmState[]> {
  return lastValueFrom(source.state$.pipe(toArray()), { defaultValue: [] });
}

/**
 * What every {@link VmEventSource} has to do. Free of any test framework:
 * `for (const one of vmEventSourceContract) test(one.name, () => one.run(create))`.
 */
export const vmEventSourceContract: readonly ContractCase[] = [
  contractCase('a machine that has not run is "starting"', async ({ source }) => {
    assert.equal(await source.readState(), 'starting');
    assert.equal(await waitForState(source, 'starting', LIMIT), 'starting');
  }),
  contractCase('every change is told once and in order, and "stopped" is the last', async (machine) => {
    const { source } = machine;
    const states = statesOf(source);
    await machine.run();
    await waitForState(source, 'running', LIMIT);
    await machine.pause();
    await waitForState(source, 'paused', LIMIT);
    await machine.run();
    await waitForState(source, 'running', LIMIT);
    await machine.end();
    await waitForState(source, 'stopped', LIMIT);
    const seen = await states;
    // A machine may pause by itself on its way to the end.
    assert.deepEqual(seen.slice(0, 3), ['running', 'paused', 'running']);
    assert.equal(seen.at(-1), 'stopped');
    assert.ok(
      seen.every((state, index) => state !== seen[index - 1]),
      'a state was told twice in a row',
    );
  }),
  contractCase('a state that is reached already is found by reading', async (machine) => {
    await machine.run();
    await waitForState(machine.source, 'running', LIMIT);
    assert.equal(await waitForState(machine.source, 'running', LIMIT), 'running');
  }),
  contractCase('a change while a wait begins is not missed', async (machine) => {
    const [state] = await Promise.all([waitForState(machine.source, 'running', LIMIT), machine.run()]);
    assert.equal(state, 'running');
  }),
  contractCase('after the end it is "stopped" for whoever asks later', async (machine) => {
    await machine.run();
    await machine.end();
    await waitForState(machine.source, 'stopped', LIMIT);
    assert.equal(await machine.source.readState(), 'stopped');
    assert.equal(await waitForState(machine.source, 'stopped', LIMIT), 'stopped');
    await assert.rejects(waitForState(machine.source, 'running', LIMIT), VmGoneError);
  }),
  contractCase('a wait for another state ends with the machine', async (machine) => {
    await machine.run();
    await waitForState(machine.source, 'running', LIMIT);
    const paused = assert.rejects(waitForState(machine.source, 'paused', LIMIT), VmGoneError);
    await machine.end();
    await paused;
  }),
  contractCase('deadline and signal end a wait by type', async ({ source }) => {
    await assert.rejects(waitForState(source, 'stopped', { timeoutMs: 20 }), VmWaitTimeoutError);
    const stop = new AbortController();
    const waiting = assert.rejects(
      waitForState(source, 'stopped', { ...LIMIT, signal: stop.signal }),
      VmWaitAbortedError,
    );
    stop.abort();
    await waiting;
    await assert.rejects(
      waitForState(source, 'stopped', { ...LIMIT, signal: stop.signal }),
      VmWaitAbortedError,
    );
  }),
  contractCase('events have a name and a wall-clock time, and end with the machine', async (machine) => {
    const before = Date.now() - 60_000;
    const events: Promise<VmEvent[]> = lastValueFrom(machine.source.events$.pipe(toArray()));
    await machine.run();
    await machine.end();
    const seen = await events;
    assert.ok(seen.length > 0, 'no event was told');
    for (const { name, atMs } of seen) {
      assert.notEqual(name, '');
      assert.ok(atMs > before && atMs < Date.now() + 60_000, `${name} has the time ${atMs}`);
    }
  }),
  contractCase('closing ends the streams and waits, not the machine', async (machine) => {
    const { source } = machine;
    await machine.run();
    await waitForState(source, 'running', LIMIT);
    const states = statesOf(source);
    const waiting = assert.rejects(waitForState(source, 'stopped', LIMIT), VmGoneError);
    await source.close();
    await source.close();
    assert.deepEqual(await states, []);
    await waiting;
    assert.equal(await source.readState(), 'running');
  }),
];
