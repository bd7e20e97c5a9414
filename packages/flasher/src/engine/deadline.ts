import { FlashCancelledError, FlashTimeoutError } from '../errors.ts';

export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * What the work gives, unless the deadline or the signal is first. The work itself cannot be called back from the
 * kernel: it goes on, and what it uses must stay untouched until it has settled.
 */
export async function within<Result>(
  what: string,
  work: Promise<Result>,
  { timeoutMs, signal }: Limits,
): Promise<Result> {
  work.catch(() => undefined); // after the deadline nobody asks any more
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await new Promise<Result>((resolve, reject) => {
      abort = () => {
        reject(abortError(signal));
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      timer = setTimeout(() => {
        const message = `${what} took longer than ${timeoutMs} ms: the device hangs`;
        reject(new FlashTimeoutError(message, { what, timeoutMs }));
      }, timeoutMs);
      work.then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

/** The reason of an aborted signal as an error. */
export function abortError(signal: AbortSignal, path?: string): Error {
  const reason: unknown = signal.reason;
  if (reason instanceof FlashCancelledError) return reason;
  return new FlashCancelledError('the flash was cancelled', { path }, { cause: reason });
}
