import { timerMs } from './timer-ms.ts';

/** A wait that ends by an event, a deadline or an abort. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called at the deadline: the error to reject with, or undefined when the wait is over after all. */
  readonly late: () => Error | undefined;
  /** Told of the timer of the deadline. */
  readonly onTimer?: ((timer: NodeJS.Timeout) => void) | undefined;
}

/** Resolves when `done`, which `start` is given, is called. */
export async function waitFor(start: (done: () => void) => void, options: WaitOptions): Promise<void> {
  const { timeoutMs, signal, late, onTimer } = options;
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const error = late();
        if (error === undefined) resolve();
        else reject(error);
      }, timerMs(timeoutMs));
      onTimer?.(timer);
      abort = () => {
        reject(reasonOf(signal));
      };
      signal?.addEventListener('abort', abort, { once: true });
      start(resolve);
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

/** What an aborted signal says; its `reason` is `any`. */
function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
