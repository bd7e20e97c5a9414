import { Subject, type Subscription } from 'rxjs';
import { END_SETTLES_MS, within } from '../deadline.ts';
import type { VmEvent, VmEventSource, VmState } from '../source.ts';
import type { QmpClient } from './client.ts';
import { QmpConnectionError } from './errors.ts';
import { isQmpObject } from './message.ts';
import { vmStateOfEvent, vmStateOfRunState } from './state.ts';

export interface QmpEventSourceOptions {
  readonly qmp: QmpClient;
  /** Settles when the QEMU process has ended; its value is not looked at. */
  readonly exited: Promise<unknown>;
  /** Wall clock for events without a time of their own; default `Date.now`. */
  readonly now?: () => number;
}

/** A {@link VmEventSource} on a QMP connection and the end of QEMU's process. */
export function qmpEventSource({ qmp, exited, now = Date.now }: QmpEventSourceOptions): VmEventSource {
  const states = new Subject<VmState>();
  const events = new Subject<VmEvent>();
  let last: VmState | undefined;
  let stopped = false;

  const change = (state: VmState): void => {
    if (state === last || stopped) return;
    last = state;
    states.next(state);
  };
  const complete = (): void => {
    subscription.unsubscribe();
    states.complete();
    events.complete();
  };
  const subscription: Subscription = qmp.events$.subscribe(({ event, data, timeMs }) => {
    const state = vmStateOfEvent(event);
    if (state !== undefined) change(state);
    events.next({ name: event, atMs: timeMs ?? now(), data });
  });
  const onExit = async (): Promise<void> => {
    // Events that QEMU sent before it ended may still be in the socket: they come first.
    await within(END_SETTLES_MS, qmp.ended);
    change('stopped');
    stopped = true;
    complete();
  };
  void exited.then(onExit, onExit);

  return {
    state$: states.asObservable(),
    events$: events.asObservable(),
    async readState(options) {
      if (stopped) return 'stopped';
      try {
        const reply = await qmp.execute('query-status', undefined, options);
        const status = isQmpObject(reply) ? reply['status'] : undefined;
        const state = vmStateOfRunState(typeof status === 'string' ? status : '');
        if (last === undefined) last = state;
        return state;
      } catch (error) {
        if (!(error instanceof QmpConnectionError)) throw error;
        // The connection ends a few milliseconds before the process does: only the process can answer now.
        const { reason } = await qmp.ended;
        if (reason === 'eof' && (await within(END_SETTLES_MS, exited, options?.signal))) return 'stopped';
        throw error;
      }
    },
    close() {
      complete();
      return Promise.resolve();
    },
  };
}
