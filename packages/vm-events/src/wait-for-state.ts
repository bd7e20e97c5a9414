import { Subscription } from 'rxjs';
import { armDeadline, type WaitOptions } from './deadline.ts';
import { VmGoneError, VmWaitAbortedError, VmWaitTimeoutError } from './errors.ts';
import type { VmEventSource, VmState } from './source.ts';

/**
 * Resolves with `target` once the machine is in that state. Subscribes before it reads the state, so that a change in
 * between is not missed; nothing is polled. A state that is left again before the read is answered counts as reached.
 * @param options.timeoutMs deadline in ms; without it only the signal and the machine's end bound the wait
 * @throws VmWaitTimeoutError, VmWaitAbortedError, VmGoneError (the machine stopped, or the source ended, first)
 */
export function waitForState(
  source: VmEventSource,
  target: VmState,
  options: WaitOptions = {},
): Promise<VmState> {
  return new Promise((resolve, reject) => {
    let last: VmState | undefined;
    let changed = false;
    let done = false;
    let ended = false;
    let answered = false;
    // finish() may run inside subscribe(): the subscription must exist by then.
    const subscription = new Subscription();
    const finish = (error?: Error): void => {
      if (done) return;
      done = true;
      disarm();
      subscription.unsubscribe();
      if (error === undefined) resolve(target);
      else reject(error);
    };
    const see = (state: VmState): void => {
      last = state;
      if (state === target) finish();
      else if (state === 'stopped') finish(new VmGoneError(target, 'the machine stopped'));
    };
    const disarm = armDeadline(options, {
      onTimeout: (timeoutMs) => {
        finish(new VmWaitTimeoutError(target, timeoutMs, last));
      },
      onAbort: (reason) => {
        finish(new VmWaitAbortedError(target, reason));
      },
    });
    subscription.add(
      source.state$.subscribe({
        next: (state) => {
          changed = true;
          see(state);
        },
        error: (cause: unknown) => {
          finish(new VmGoneError(target, 'its event source failed', cause));
        },
        complete: () => {
          ended = true;
          if (answered) finish(new VmGoneError(target, 'its event source ended'));
        },
      }),
    );
    source.readState().then(
      (state) => {
        answered = true;
        // A change seen since the subscription is newer than this answer.
        if (!changed) see(state);
        if (ended) finish(new VmGoneError(target, 'its event source ended'));
      },
      (cause: unknown) => {
        answered = true;
        // Without an answer, the stream can still tell that the machine stopped, and only that.
        if (target === 'stopped' && !ended) return;
        finish(new VmGoneError(target, 'its state cannot be read', cause));
      },
    );
  });
}
