import { defer, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  VmGoneError,
  VmWaitTimeoutError,
  waitForState,
  type VmEventSource,
  type VmState,
} from '@osforge/vm-events';
import { vmEventSourceContract, type ContractMachine } from '@osforge/vm-events/contract';

/** A source whose every move the test makes. */
function puppet(): {
  source: VmEventSource;
  states: Subject<VmState>;
  answer: (state: VmState) => void;
  fail: (error: Error) => void;
  order: string[];
} {
  const states = new Subject<VmState>();
  const order: string[] = [];
  let answer: (state: VmState) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const read = new Promise<VmState>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return {
    source: {
      state$: defer(() => {
        order.push('subscribe');
        return states;
      }),
      events$: new Subject(),
      readState: () => {
        order.push('read');
        return read;
      },
      close: () => Promise.resolve(),
    },
    states,
    answer: (state) => {
      answer(state);
    },
    fail: (error) => {
      fail(error);
    },
    order,
  };
}

describe('waitForState', () => {
  test('subscribes, then reads', async () => {
    const { source, answer, order } = puppet();
    const waiting = waitForState(source, 'running');
    answer('running');
    await waiting;
    expect(order).toEqual(['subscribe', 'read']);
  });

  test('an answer that is older than a change does not count', async () => {
    const { source, states, answer } = puppet();
    const waiting = waitForState(source, 'running', { timeoutMs: 30 });
    states.next('paused');
    answer('running');
    const error = await waiting.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(VmWaitTimeoutError);
    expect(error).toMatchObject({ lastState: 'paused' });
  });

  test('"stopped" is waited for though the state cannot be read', async () => {
    const { source, states, fail } = puppet();
    const waiting = waitForState(source, 'stopped');
    fail(new Error('the monitor is gone'));
    states.next('stopped');
    expect(await waiting).toBe('stopped');
  });

  test('another state is given up when it cannot be read, or the stream fails', async () => {
    const unread = puppet();
    const first = waitForState(unread.source, 'running');
    unread.fail(new Error('the monitor is gone'));
    await expect(first).rejects.toBeInstanceOf(VmGoneError);
    const failing = puppet();
    const second = waitForState(failing.source, 'stopped');
    failing.states.error(new Error('WMI went away'));
    await expect(second).rejects.toMatchObject({ cause: new Error('WMI went away') });
  });

  test('no subscription is left after a wait', async () => {
    const { source, states, answer } = puppet();
    await waitForState(source, 'running', { timeoutMs: 10 }).catch(() => undefined);
    expect(states.observed).toBe(false);
    const waiting = waitForState(source, 'running');
    answer('running');
    await waiting;
    expect(states.observed).toBe(false);
  });
});

describe('the contract finds broken sources', () => {
  /** In memory, sound unless `flaw` says otherwise. */
  function machine(flaw: 'none' | 'tells twice' | 'forgets stopped' | 'no events'): ContractMachine {
    const states = new Subject<VmState>();
    const events = new Subject<{ name: string; atMs: number; data: Record<string, unknown> }>();
    let state: VmState = 'starting';
    let closed = false;
    const change = (next: VmState): Promise<void> => {
      state = next;
      if (closed) return Promise.resolve();
      if (flaw !== 'no events') events.next({ name: next, atMs: Date.now(), data: {} });
      if (!(flaw === 'forgets stopped' && next === 'stopped')) states.next(next);
      if (flaw === 'tells twice') states.next(next);
      if (next === 'stopped') {
        states.complete();
        events.complete();
      }
      return Promise.resolve();
    };
    return {
      source: {
        state$: states,
        events$: events,
        readState: () => Promise.resolve(state),
        close: () => {
          closed = true;
          states.complete();
          events.complete();
          return Promise.resolve();
        },
      },
      run: () => change('running'),
      pause: () => change('paused'),
      end: () => change('stopped'),
      dispose: () => Promise.resolve(),
    };
  }

  async function failures(flaw: Parameters<typeof machine>[0]): Promise<number> {
    const outcomes = await Promise.allSettled(
      vmEventSourceContract.map((one) => one.run(() => Promise.resolve(machine(flaw)))),
    );
    return outcomes.filter(({ status }) => status === 'rejected').length;
  }

  test('a sound one passes, flawed ones do not', async () => {
    expect(await failures('none')).toBe(0);
    for (const flaw of ['tells twice', 'forgets stopped', 'no events'] as const) {
      expect(await failures(flaw), flaw).toBeGreaterThan(0);
    }
  });
});
