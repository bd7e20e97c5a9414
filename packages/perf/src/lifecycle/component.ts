/** What a component is given when it starts or stops. */
export interface LifecycleContext {
  /** Aborts when there is no more use in going on: the time is over, another component failed, or the caller gave up. */
  readonly signal: AbortSignal;
}

/** One part of a program that has to be started before others and stopped after them. */
export interface Component {
  /** Unlike all others in the graph. */
  readonly name: string;
  /** Names of what must have started before this; it is stopped after this. Default: none. */
  readonly dependsOn?: readonly string[] | undefined;
  /** Milliseconds for `start`; default 30 000. */
  readonly startTimeoutMs?: number | undefined;
  /** Milliseconds for `stop`, and for `start` to come to its end when it is aborted; default 5000. */
  readonly stopTimeoutMs?: number | undefined;
  /** Resolves when others can use it. One that rejects cleans up after itself: it is not stopped. */
  readonly start: (context: LifecycleContext) => unknown;
  /** Resolves when nothing is left. Called once for each start that succeeded. Default: nothing to do. */
  readonly stop?: ((context: LifecycleContext) => unknown) | undefined;
}

export const defaultStartTimeoutMs = 30_000;
export const defaultStopTimeoutMs = 5000;
