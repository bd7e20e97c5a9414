import type { EventEmitter } from 'node:events';

/** What is needed of `process`, so that a fake is a plain emitter. */
export type SignalSource = Pick<EventEmitter, 'on' | 'off'>;

/** Which signals end a program. */
export interface ShutdownSignalsOptions {
  /** Default: SIGINT and SIGTERM. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** Default: `process`. */
  readonly source?: SignalSource | undefined;
}

/** The wish of a user or of a service manager that the program ends. It never exits by itself. */
export interface ShutdownSignals extends Disposable {
  /** Aborts at the first signal, with an Error that names it: stop, please. */
  readonly stop: AbortSignal;
  /** Aborts at the second signal: do not wait any longer. */
  readonly hurry: AbortSignal;
}

/** Listen for signals until it is disposed of. While it listens, Node does not end the process by itself. */
export function shutdownSignals({
  signals = ['SIGINT', 'SIGTERM'],
  source = process,
}: ShutdownSignalsOptions = {}): ShutdownSignals {
  const stop = new AbortController();
  const hurry = new AbortController();
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      (stop.signal.aborted ? hurry : stop).abort(new Error(`${signal} was received`));
    };
    source.on(signal, listener);
    return { signal, listener };
  });
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) source.off(signal, listener);
    },
  };
}
