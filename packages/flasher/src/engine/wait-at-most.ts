/** What a signal was aborted with, as an error. */
export const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });

/** Rejects as the event does, or with the signal's reason. */
export async function waitOrAbort(event: Promise<void>, signal: AbortSignal): Promise<void> {
  await waitAtMost(event, undefined, signal);
}

/** True if the event was first, false if the time was over; rejects as the event does, or with the signal's reason. */
export async function waitAtMost(
  event: Promise<void>,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await new Promise<boolean>((resolve, reject) => {
      abort = () => {
        reject(reasonOf(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs, false);
      event.then(() => {
        resolve(true);
      }, reject);
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
