/** How long to wait, and what cancels the wait. */
export interface WaitOptions {
  /** Deadline in milliseconds from now; undefined waits without one (the signal still cancels). */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WaitFailures {
  onTimeout: (timeoutMs: number) => void;
  onAbort: (reason: unknown) => void;
}

// A longer delay overflows Node's 32-bit timer and would fire at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Arms a deadline and an abort listener. Exactly one of the callbacks is called, at most once, and never from inside
 * this call. Returns what disarms both; calling it twice is harmless.
 */
export function armDeadline({ timeoutMs, signal }: WaitOptions, failures: WaitFailures): () => void {
  let timer: NodeJS.Timeout | undefined;
  let armed = true;
  const disarm = (): void => {
    armed = false;
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
  const abort = (): void => {
    if (!armed) return;
    disarm();
    failures.onAbort(signal?.reason);
  };
  if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) {
    timer = setTimeout(() => {
      disarm();
      failures.onTimeout(timeoutMs);
    }, timeoutMs);
  }
  if (signal?.aborted) queueMicrotask(abort);
  else signal?.addEventListener('abort', abort, { once: true });
  return disarm;
}

/**
 * How long the end of QEMU's process and the end of its QMP connection may lie apart. Both come from the same exit and
 * are milliseconds apart on an idle machine; a longer gap means that one of them will not come.
 */
export const END_SETTLES_MS = 5_000;

/** True when `promise` settles, either way, within `timeoutMs`; false when the signal fires or the time is up. */
export function within(
  timeoutMs: number | undefined,
  promise: Promise<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const no = (): void => {
      resolve(false);
    };
    const disarm = armDeadline({ timeoutMs, signal }, { onTimeout: no, onAbort: no });
    const yes = (): void => {
      disarm();
      resolve(true);
    };
    promise.then(yes, yes);
  });
}
