import { Subject } from 'rxjs';
import { waitForState, type VmEventSource, type VmState } from '@osforge/vm-events';

export const cycles = 20_000;

/** A machine that lives through all cycles, with nothing but its states: QEMU's part is not what is looked at. */
const states = new Subject<VmState>();
const events = new Subject<never>();
let state: VmState = 'paused';
const source: VmEventSource = {
  state$: states,
  events$: events,
  readState: () => Promise.resolve(state),
  close: () => Promise.resolve(),
};
/** One signal for all waits, as the signal of a build is. */
const { signal } = new AbortController();

function change(to: VmState): void {
  state = to;
  states.next(to);
}

export async function cycle(): Promise<void> {
  const running = waitForState(source, 'running', { timeoutMs: 60_000, signal });
  change('running');
  await running;
  const paused = waitForState(source, 'paused', { timeoutMs: 60_000, signal });
  change('paused');
  await paused;
}

export function listeners(): number {
  return Number(states.observed) + Number(events.observed);
}
