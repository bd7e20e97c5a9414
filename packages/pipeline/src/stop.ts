/** Why phases are told to stop. */
export type StopKind = 'cancelled' | 'failed';

/** One way for everything that can end a run early. */
export interface Stop {
  /** Given to the phases. */
  readonly signal: AbortSignal;
  /** Aborted when the run does not wait for anything any longer. */
  readonly atOnce: AbortSignal;
  /** The first cause wins. */
  readonly kind: StopKind | undefined;
  /** Aborted when the phases' time to react is over. */
  readonly abandoned: AbortSignal;
  /** Resolves when `abandoned` is aborted. */
  readonly gaveUp: Promise<void>;
  /** Another phase failed. */
  fail(error: Error): void;
  /** Forget timers and listeners. */
  close(): void;
}

/** `deadlineMs`: how long phases may take to react. `onStop` is called once, before the phases' signal fires. */
export function createStop(options: {
  readonly signal: AbortSignal | undefined;
  readonly abortNow: AbortSignal | undefined;
  readonly deadlineMs: number;
  readonly onStop: (kind: StopKind) => void;
}): Stop {
  const { signal, abortNow, deadlineMs, onStop } = options;
  const phases = new AbortController();
  const atOnce = new AbortController();
  const abandoned = new AbortController();
  let resolve = (): void => {};
  const gaveUp = new Promise<void>((settle) => {
    resolve = settle;
  });
  let kind: StopKind | undefined;
  let timer: NodeJS.Timeout | undefined;

  const giveUp = (): void => {
    abandoned.abort();
    clearTimeout(timer);
    resolve();
  };
  const stop = (why: StopKind, reason: unknown): void => {
    if (kind !== undefined) return;
    kind = why;
    timer = setTimeout(giveUp, deadlineMs);
    onStop(why);
    phases.abort(reason);
  };
  const onCancel = (): void => {
    stop('cancelled', signal?.reason);
  };
  const onNow = (): void => {
    stop('cancelled', abortNow?.reason);
    atOnce.abort(abortNow?.reason);
    giveUp();
  };
  signal?.addEventListener('abort', onCancel, { once: true });
  abortNow?.addEventListener('abort', onNow, { once: true });

  const self: Stop = {
    signal: phases.signal,
    atOnce: atOnce.signal,
    get kind() {
      return kind;
    },
    abandoned: abandoned.signal,
    gaveUp,
    fail: (error) => {
      stop('failed', error);
    },
    close: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onCancel);
      abortNow?.removeEventListener('abort', onNow);
    },
  };
  if (abortNow?.aborted === true) onNow();
  else if (signal?.aborted === true) onCancel();
  return self;
}
