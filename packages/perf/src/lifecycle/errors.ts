import type { StartFailure, StopReport } from './report.ts';

/** Two components have the same name. Found before anything starts. */
export class DuplicateComponentError extends Error {
  override readonly name = 'DuplicateComponentError';
  readonly code = 'PERF_COMPONENT_DUPLICATE';
  readonly component: string;

  constructor(component: string) {
    super(`two components are named "${component}": give each a name of its own`);
    this.component = component;
  }
}

/** Components depend on names that nobody has. Found before anything starts; all of them are listed. */
export class MissingComponentError extends Error {
  override readonly name = 'MissingComponentError';
  readonly code = 'PERF_COMPONENT_MISSING';
  /** Each path leads from a component on which nobody depends to the name that is missing. */
  readonly paths: readonly (readonly string[])[];

  constructor(paths: readonly (readonly string[])[]) {
    super(
      `components depend on what does not exist: ${paths.map((path) => path.join(' → ')).join('; ')}; ` +
        'add the last of each, or correct its name',
    );
    this.paths = paths;
  }
}

/** Components depend on each other in a circle. Found before anything starts. */
export class ComponentCycleError extends Error {
  override readonly name = 'ComponentCycleError';
  readonly code = 'PERF_COMPONENT_CYCLE';
  /** The circle, its first name repeated at the end. */
  readonly cycle: readonly string[];

  constructor(cycle: readonly string[]) {
    super(
      `components depend on each other in a circle: ${cycle.join(' → ')}; remove one of these dependencies`,
    );
    this.cycle = cycle;
  }
}

/** A component was not ready in its time. What it starts later all the same is stopped at once. */
export class StartTimeoutError extends Error {
  override readonly name = 'StartTimeoutError';
  readonly code = 'PERF_START_TIMEOUT';
  readonly component: string;
  readonly timeoutMs: number;

  constructor(component: string, timeoutMs: number) {
    super(
      `"${component}" was not ready within ${timeoutMs} ms: raise startTimeoutMs, or see what it waits for`,
    );
    this.component = component;
    this.timeoutMs = timeoutMs;
  }
}

/** A component went on starting although its signal had aborted. What it starts later is stopped at once. */
export class StartStuckError extends Error {
  override readonly name = 'StartStuckError';
  readonly code = 'PERF_START_STUCK';
  readonly component: string;
  readonly graceMs: number;

  constructor(component: string, graceMs: number) {
    super(
      `"${component}" did not end within ${graceMs} ms when its start was given up: let it heed its signal`,
    );
    this.component = component;
    this.graceMs = graceMs;
  }
}

/** A component is not needed any more, because another one failed: the reason of the signal that it sees. */
export class StartAbandonedError extends Error {
  override readonly name = 'StartAbandonedError';
  readonly code = 'PERF_START_ABANDONED';

  constructor(because: string) {
    super(`the start was given up: ${because}`);
  }
}

/** Components failed to start. All that had started has been stopped again. */
export class StartFailedError extends Error {
  override readonly name = 'StartFailedError';
  readonly code = 'PERF_START_FAILED';
  /** In the order in which they failed; `cause` is an AggregateError of their errors. */
  readonly failures: readonly StartFailure[];
  /** How the stop of what had started went. */
  readonly stopped: StopReport;

  constructor(failures: readonly StartFailure[], stopped: StopReport) {
    const causes = failures.map(({ error }) => error);
    super(
      failures.map(({ name, error }) => `"${name}" did not start: ${messageOf(error)}`).join('; ') +
        troubleOf(stopped),
      { cause: new AggregateError(causes) },
    );
    this.failures = failures;
    this.stopped = stopped;
  }
}

/** The caller aborted the start. All that had started has been stopped again. `cause` is the reason. */
export class StartCancelledError extends Error {
  override readonly name = 'StartCancelledError';
  readonly code = 'PERF_START_CANCELLED';
  /** Those that failed all the same. */
  readonly failures: readonly StartFailure[];
  readonly stopped: StopReport;

  constructor(reason: unknown, failures: readonly StartFailure[], stopped: StopReport) {
    super(`the start was cancelled: ${messageOf(reason)}${troubleOf(stopped)}`, { cause: reason });
    this.failures = failures;
    this.stopped = stopped;
  }
}

/** `start` was called on a graph that is not stopped. */
export class LifecycleStateError extends Error {
  override readonly name = 'LifecycleStateError';
  readonly code = 'PERF_LIFECYCLE_STATE';
  readonly state: string;

  constructor(state: string) {
    super(`the graph is ${state} and cannot be started: stop it first`);
    this.state = state;
  }
}

/** Whether another attempt may succeed: a component was too slow, and nothing else failed. */
export function isTransientLifecycleError(error: unknown): boolean {
  return (
    error instanceof StartTimeoutError ||
    (error instanceof StartFailedError &&
      error.failures.every(({ error: failure }) => failure instanceof StartTimeoutError))
  );
}

function troubleOf({ components }: StopReport): string {
  const trouble = components.filter(({ state }) => state !== 'stopped');
  if (trouble.length === 0) return '';
  return `; then did not stop: ${trouble.map(({ name, state }) => `"${name}" (${state})`).join(', ')}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
