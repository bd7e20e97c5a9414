/** What all errors of the metrics share; catch the subclasses, or switch on `code`. */
export abstract class MetricsError extends Error {
  abstract readonly code: string;

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** The name of a metric breaks the format, a reserved ending or the convention for units. */
export class InvalidMetricNameError extends MetricsError {
  readonly code = 'PERF_INVALID_METRIC_NAME';
  readonly metric: string;

  constructor(metric: string, reason: string) {
    super(`${JSON.stringify(metric)} is no name for a metric: ${reason}`);
    this.metric = metric;
  }
}

/** The name of a label breaks the format, is reserved, or is given twice. */
export class InvalidLabelNameError extends MetricsError {
  readonly code = 'PERF_INVALID_LABEL_NAME';
  readonly metric: string;
  readonly label: string;

  constructor(metric: string, label: string, reason: string) {
    super(`${JSON.stringify(label)} is no name for a label of ${metric}: ${reason}`);
    this.metric = metric;
    this.label = label;
  }
}

/** `labels()` did not get a string for each label of the metric and for nothing else. */
export class InvalidLabelsError extends MetricsError {
  readonly code = 'PERF_INVALID_LABELS';
  readonly metric: string;
  readonly missing: readonly string[];
  readonly unknown: readonly string[];

  constructor(metric: string, missing: readonly string[], unknown: readonly string[]) {
    const parts = [
      ...(missing.length > 0 ? [`no string for ${missing.join(', ')}`] : []),
      ...(unknown.length > 0 ? [`unknown ${unknown.join(', ')}`] : []),
    ];
    super(`The labels of ${metric} do not fit its definition: ${parts.join('; ')}. Give each label once.`);
    this.metric = metric;
    this.missing = missing;
    this.unknown = unknown;
  }
}

/** A number in a definition is out of range: bucket bounds, the range or precision of a histogram, a limit. */
export class InvalidMetricOptionError extends MetricsError {
  readonly code = 'PERF_INVALID_METRIC_OPTION';
  readonly metric: string;
  readonly option: string;

  constructor(metric: string, option: string, reason: string) {
    super(`Option ${option} of ${metric} cannot be used: ${reason}`);
    this.metric = metric;
    this.option = option;
  }
}

/** The name is taken by a metric of another definition, or by one of the series that it writes. */
export class DuplicateMetricError extends MetricsError {
  readonly code = 'PERF_DUPLICATE_METRIC';
  readonly metric: string;
  /** The metric that has the name. */
  readonly existing: string;

  constructor(metric: string, existing: string, reason: string) {
    super(
      `${metric} cannot be registered: ${reason}. Choose another name, or define it as the first one is.`,
    );
    this.metric = metric;
    this.existing = existing;
  }
}

/** Two owners started the runtime metrics on one registry, which would count each collection twice. */
export class RuntimeMetricsOwnedError extends MetricsError {
  readonly code = 'PERF_RUNTIME_METRICS_OWNED';
  readonly owner: string;
  readonly heldBy: string;

  constructor(owner: string, heldBy: string) {
    super(
      `${owner} cannot start the runtime metrics: ${heldBy} has started them on this registry. Stop those first.`,
    );
    this.owner = owner;
    this.heldBy = heldBy;
  }
}

/** Another process listens where the metrics server wants to. */
export class MetricsPortTakenError extends MetricsError {
  readonly code = 'PERF_METRICS_PORT_TAKEN';
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number, cause: unknown) {
    super(`${host}:${port} is taken by another program. Choose another port, or 0 for any free one.`, cause);
    this.host = host;
    this.port = port;
  }
}

/** The metrics server cannot listen: no such address, no right to the port. */
export class MetricsListenError extends MetricsError {
  readonly code = 'PERF_METRICS_LISTEN';
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number, cause: unknown) {
    // Some of Node's messages end in a full stop.
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    super(
      `The metrics server cannot listen on ${host}:${port}: ${reason}. Check the address and the port.`,
      cause,
    );
    this.host = host;
    this.port = port;
  }
}

/** What is told of a metrics file that could not be written. */
interface MetricsFileFailure {
  readonly errno?: string | undefined;
  readonly reason: string;
  readonly cause?: unknown;
  readonly replaced?: boolean | undefined;
}

/** The metrics file was not replaced, and the old one is as it was; unless `replaced`: then a crash may undo it. */
export class MetricsFileError extends MetricsError {
  readonly code = 'PERF_METRICS_FILE';
  readonly path: string;
  /** Name of the system's error, such as `ENOSPC`; undefined where no system call failed. */
  readonly errno: string | undefined;
  /** Whether readers see the new content all the same; only its folder could not be flushed then. */
  readonly replaced: boolean;

  constructor(path: string, { errno, reason, cause, replaced = false }: MetricsFileFailure) {
    super(`${path} was ${replaced ? '' : 'not '}written${replaced ? ', but' : ':'} ${reason}`, cause);
    this.path = path;
    this.errno = errno;
    this.replaced = replaced;
  }
}

/** The deadline passed. */
export class MetricsTimeoutError extends MetricsError {
  readonly code = 'PERF_METRICS_TIMEOUT';
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number) {
    super(`${what} took longer than ${timeoutMs} ms. Give it more time, or see what it waits for.`);
    this.timeoutMs = timeoutMs;
  }
}

/** The signal was aborted; `cause` is its reason. */
export class MetricsCancelledError extends MetricsError {
  readonly code = 'PERF_METRICS_CANCELLED';

  constructor(what: string, cause: unknown) {
    super(`${what} was cancelled.`, cause);
  }
}

/**
 * Whether the same call may succeed if it is simply made again: a port may become free, a slow scrape may be
 * quick the next time. A wrong definition stays wrong, and a full disk needs space.
 */
export function isTransientMetricsError(error: unknown): boolean {
  return error instanceof MetricsPortTakenError || error instanceof MetricsTimeoutError;
}
