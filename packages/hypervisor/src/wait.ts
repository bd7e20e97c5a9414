import { armDeadline, type WaitOptions } from '@osforge/vm-events';
import { MachineCancelledError, MachineTimeoutError } from './errors.ts';

export type { WaitOptions } from '@osforge/vm-events';

/**
 * The outcome of `promise`, unless the deadline or the signal comes first.
 * @throws MachineTimeoutError, MachineCancelledError, and what `promise` rejects with
 */
export function withDeadline<T>(waitedFor: string, promise: Promise<T>, options: WaitOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const disarm = armDeadline(options, {
      onTimeout: (timeoutMs) => {
        reject(new MachineTimeoutError(waitedFor, timeoutMs));
      },
      onAbort: (reason) => {
        reject(new MachineCancelledError(waitedFor, reason));
      },
    });
    void promise.then(resolve, reject).finally(disarm);
  });
}

/** How a promise settled within `timeoutMs`: `true` when it did (either way), `false` when time or signal came first. */
export async function settlesWithin(promise: Promise<unknown>, options: WaitOptions): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return withDeadline('end', settled, options).catch(() => false);
}
