import { timerMs } from '../timer-ms.ts';

/** How a call with a limit ended. `late` calls go on, but nobody waits for them. */
export type Outcome =
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'late' };

/** The limits of a call. */
export interface Limits {
  readonly timeoutMs: number;
  /** Milliseconds to come to an end after `parent` has aborted. */
  readonly graceMs: number;
  readonly parent: AbortSignal;
  /** The reason that the call's signal gets when its time is over. */
  readonly reason: () => Error;
  /** Called when a late call succeeds after all. */
  readonly onLateSuccess?: (() => void) | undefined;
}

/** Call `fn`, which gets a signal, and wait for it no longer than the limits say. Never rejects. */
export function limited(fn: (signal: AbortSignal) => unknown, limits: Limits): Promise<Outcome> {
  const { timeoutMs, graceMs, parent, reason, onLateSuccess } = limits;
  const controller = new AbortController();
  return new Promise((resolve) => {
    let over = false;
    const end = (outcome: Outcome): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      parent.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const expire = (): void => {
      controller.abort(reason());
      end({ state: 'late' });
    };
    const onAbort = (): void => {
      clearTimeout(timer);
      timer = setTimeout(expire, timerMs(graceMs));
      controller.abort(parent.reason);
    };
    let timer = setTimeout(expire, timerMs(timeoutMs));
    parent.addEventListener('abort', onAbort, { once: true });
    if (parent.aborted) onAbort();

    new Promise((called) => {
      called(fn(controller.signal));
    }).then(
      () => {
        if (over) onLateSuccess?.();
        else end({ state: 'done' });
      },
      (error: unknown) => {
        end({ state: 'failed', error });
      },
    );
  });
}
