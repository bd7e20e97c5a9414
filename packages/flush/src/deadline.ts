import { FlushCancelledError, FlushTimeoutError, type FlushError, type FlushOperation } from './errors.ts';

export interface DeadlineOptions {
  /** Milliseconds for the whole call; default: no deadline. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A deadline and a signal for one call; every step goes through {@link Deadline.step}. */
export interface Deadline {
  /** For child processes: aborted by the caller's signal or by the deadline. */
  readonly signal: AbortSignal;
  /** Whether the caller has been, or is about to be, told that nobody waits any longer. */
  expired(): boolean;
  /** Throws if the call was cancelled or is late. */
  check(operation: FlushOperation): void;
  /**
   * Waits for one step, or for the end of the deadline. A system call cannot be taken back: after a
   * rejection it may still be running, so its outcome is unknown.
   */
  step<T>(operation: FlushOperation, work: () => Promise<T>): Promise<T>;
  /** Ends the timer; call it when the call is over. */
  end(): void;
}

/** Starts the clock of one call on `target`. */
export function startDeadline(target: string, options: DeadlineOptions): Deadline {
  const { timeoutMs, signal: outer } = options;
  const controller = new AbortController();
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          controller.abort();
        }, timeoutMs);
  const cancel = (): void => {
    controller.abort();
  };
  if (outer?.aborted === true) cancel();
  else outer?.addEventListener('abort', cancel, { once: true });

  const reason = (operation: FlushOperation): FlushError => {
    if (outer?.aborted === true) {
      const message = `${operation} of ${target} was cancelled`;
      return new FlushCancelledError(message, { target, operation, cause: outer.reason });
    }
    return new FlushTimeoutError(
      `${operation} of ${target} did not end within ${timeoutMs ?? 0} ms; the device may still be busy with it`,
      { target, operation },
    );
  };
  const check = (operation: FlushOperation): void => {
    if (controller.signal.aborted) throw reason(operation);
  };
  return {
    signal: controller.signal,
    expired: () => controller.signal.aborted,
    check,
    async step(operation, work) {
      check(operation);
      if (timeoutMs === undefined && outer === undefined) return await work();
      return await new Promise((resolve, reject) => {
        const late = (): void => {
          reject(reason(operation));
        };
        controller.signal.addEventListener('abort', late, { once: true });
        work()
          .then(resolve, reject)
          .finally(() => {
            controller.signal.removeEventListener('abort', late);
          });
      });
    },
    end() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', cancel);
    },
  };
}
