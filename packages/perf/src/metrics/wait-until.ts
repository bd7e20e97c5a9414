import { timerMs } from '../timer-ms.ts';
import { MetricsCancelledError, MetricsTimeoutError } from './errors.ts';

/** How long a call may take. */
export interface WaitOptions {
  /** In milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What `work` gives, or an error when the deadline or the signal comes first. The work is not stopped by that.
 *
 * @param what begins the error's message
 * @throws MetricsTimeoutError, MetricsCancelledError
 */
export async function waitUntil<T>(what: string, work: Promise<T>, options: WaitOptions): Promise<T> {
  const { timeoutMs, signal } = options;
  if (timeoutMs === undefined && signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const cancel = (): void => {
      settle();
      reject(new MetricsCancelledError(what, signal?.reason));
    };
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            settle();
            reject(new MetricsTimeoutError(what, timeoutMs));
          }, timerMs(timeoutMs));
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    };
    work.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}
