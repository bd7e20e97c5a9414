import type { Component } from './component.ts';
import { dependencyOrder } from './dependency-order.ts';
import { LifecycleStateError, StartAbandonedError, StartCancelledError, StartFailedError } from './errors.ts';
import type { StartReport, StopReport } from './report.ts';
import { startAll } from './start-all.ts';
import { stopAll } from './stop-all.ts';

/** How a graph is made. */
export interface InitGraphOptions {
  /** Milliseconds, from any origin; default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** How to start. */
export interface StartOptions {
  /** Aborts the start: everything that had started is stopped again. */
  readonly signal?: AbortSignal | undefined;
}

/** How to stop. */
export interface StopOptions {
  /** Milliseconds for all components together; default 10 000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting early, for instance at a second Ctrl-C; who has not stopped by then is late. */
  readonly signal?: AbortSignal | undefined;
}

/** What a graph does at the moment. */
export type LifecycleState = 'stopped' | 'starting' | 'running' | 'stopping';

/** Components that start and stop together, in the order of their dependencies. */
export interface InitGraph {
  readonly state: LifecycleState;
  /** The names, each after what it depends on. */
  readonly order: readonly string[];
  /**
   * Starts each component as soon as all that it depends on are ready. If one fails, the others are aborted and what
   * had started is stopped in reverse.
   * @throws StartFailedError, StartCancelledError (`signal`, or `stop` while it starts), LifecycleStateError
   */
  start(options?: StartOptions): Promise<StartReport>;
  /**
   * Stops each component as soon as all that depend on it have stopped or are late. Called while it starts, it aborts
   * the start. Never rejects: what failed or was late is in the report. Idempotent.
   */
  stop(options?: StopOptions): Promise<StopReport>;
}

const defaultStopAllMs = 10_000;
const nothingStopped: StopReport = { durationMs: 0, components: [], late: [] };

/**
 * Checks the components and makes a graph of them; nothing starts yet. A graph that has stopped can start again.
 * @throws DuplicateComponentError, MissingComponentError, ComponentCycleError
 */
export function createInitGraph(
  components: readonly Component[],
  { now = () => performance.now() }: InitGraphOptions = {},
): InitGraph {
  const ordered = dependencyOrder(components);
  let state: LifecycleState = 'stopped';
  let running: readonly Component[] = [];
  let abandon: AbortController | undefined;
  /** How whoever called `stop` while it was starting wants it stopped. */
  let stopWith: StopOptions | undefined;
  let ongoing: Promise<StopReport> | undefined;

  const stopNow = async (options: StopOptions = {}): Promise<StopReport> => {
    state = 'stopping';
    const { timeoutMs = defaultStopAllMs, signal } = options;
    try {
      return await stopAll(running, { timeoutMs, signal, now });
    } finally {
      running = [];
      state = 'stopped';
    }
  };

  const start = async ({ signal }: StartOptions, own: AbortController): Promise<StartReport> => {
    const begin = now();
    const onAbort = (): void => {
      own.abort(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    const attempt = await startAll(ordered, { signal: own.signal, now });
    signal?.removeEventListener('abort', onAbort);
    running = attempt.started;
    if (attempt.failures.length === 0 && !own.signal.aborted) {
      state = 'running';
      return { durationMs: now() - begin, components: attempt.starts };
    }
    // Asked before: a `stop` that comes while this one goes on must not hide why it was.
    const cancelled = own.signal.aborted;
    const stopped = await stopNow(stopWith);
    if (cancelled) throw new StartCancelledError(own.signal.reason, attempt.failures, stopped);
    throw new StartFailedError(attempt.failures, stopped);
  };

  let starting: Promise<StartReport> | undefined;
  return {
    get state() {
      return state;
    },
    order: ordered.map(({ name }) => name),
    async start(options = {}) {
      if (state !== 'stopped') throw new LifecycleStateError(state);
      state = 'starting';
      abandon = new AbortController();
      starting = start(options, abandon);
      try {
        return await starting;
      } finally {
        starting = undefined;
        abandon = undefined;
        stopWith = undefined;
      }
    },
    async stop(options) {
      if (ongoing !== undefined) return ongoing;
      if (starting !== undefined) {
        stopWith ??= options;
        abandon?.abort(new StartAbandonedError('stop was called'));
        try {
          await starting;
        } catch (error) {
          if (error instanceof StartCancelledError || error instanceof StartFailedError) return error.stopped;
          throw error;
        }
      }
      // Read again, as another caller may have come first while this one waited.
      const others = ongoing as Promise<StopReport> | undefined;
      if (others !== undefined) return others;
      if (state === 'stopped') return nothingStopped;
      ongoing = stopNow(options);
      try {
        return await ongoing;
      } finally {
        ongoing = undefined;
      }
    },
  };
}
