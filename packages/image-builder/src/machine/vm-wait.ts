import type { EventBus } from '@osforge/event-bus';
import type { BuildEvents } from '../build/events.ts';
import type { CommandEnd } from './guest-session.ts';

/** How a wait for the build machine ended. `cancelled`: it was given up, or threw. */
export type VmWaitOutcome = CommandEnd['kind'] | 'cancelled';

/** A wait that has ended. */
export interface VmWait {
  /** What for, as `boot`, `install` or `end`; few different ones. */
  readonly wait: string;
  readonly outcome: VmWaitOutcome;
  readonly durationMs: number;
}

/** Waits, and tells how long that took and how it ended, whatever happens. */
export async function timedWait<T>(
  wait: string,
  tell: (wait: VmWait) => void,
  run: () => Promise<T>,
  outcomeOf: (result: T) => VmWaitOutcome,
): Promise<T> {
  const started = performance.now();
  let outcome: VmWaitOutcome = 'cancelled';
  try {
    const result = await run();
    outcome = outcomeOf(result);
    return result;
  } finally {
    tell({ wait, outcome, durationMs: performance.now() - started });
  }
}

/** Tells of waits on the bus of the build; a plan has none. */
export function waitTeller(bus: EventBus<BuildEvents> | undefined): (wait: VmWait) => void {
  return ({ wait, outcome, durationMs }) => bus?.publish('vm', 'vm.wait', { wait, outcome, durationMs });
}
