import { classifyError } from './classify-error.ts';
import { FlushCancelledError, FlushTimeoutError, type FlushError, type FlushOperation } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';

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
   * rejection it may still be running, so its outcome is unknown. `onLate` gets a result that nobody waits
   * for any more, such as an open file.
   */
  step<T>(operation: FlushOperation, work: () => Promise<T>, onLate?: (result: T) => void): Promise<T>;
  /** Opens a file as one step, with the error classified; a file that opens too late is closed. */
  open(
    fs: FileSystem,
    path: string,
    flags: number,
    operation: FlushOperation,
    options?: { mode?: number; onLate?: (file: OpenFile) => void },
  ): Promise<OpenFile>;
  /** Closes a file that was only read: nothing can be lost in it, and a hanging device does not hold us. */
  closeRead(file: OpenFile): Promise<void>;
  /** The error to report once {@link Deadline.expired}. */
  reason(operation: FlushOperation): FlushError;
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
  const step: Deadline['step'] = async (operation, work, onLate) => {
    check(operation);
    if (timeoutMs === undefined && outer === undefined) return await work();
    return await new Promise((resolve, reject) => {
      const late = (): void => {
        reject(reason(operation));
      };
      controller.signal.addEventListener('abort', late, { once: true });
      work()
        .then((result) => {
          if (controller.signal.aborted) onLate?.(result);
          resolve(result);
        }, reject)
        .finally(() => {
          controller.signal.removeEventListener('abort', late);
        });
    });
  };
  return {
    signal: controller.signal,
    expired: () => controller.signal.aborted,
    check,
    reason,
    step,
    async open(fs, path, flags, operation, { mode, onLate } = {}) {
      const closeLate = (file: OpenFile): void => {
        file.close().catch(() => {});
      };
      try {
        return await step(operation, () => fs.open(path, flags, mode), onLate ?? closeLate);
      } catch (error) {
        throw classifyError(error, path, operation);
      }
    },
    async closeRead(file) {
      const closed = file.close().catch(() => {});
      if (!controller.signal.aborted) await closed; // it would wait for a read that nobody waits for
    },
    end() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', cancel);
    },
  };
}
