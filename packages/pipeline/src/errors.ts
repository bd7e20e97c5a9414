/** Two phases of one pipeline have the same name. Refused before anything starts. */
export class DuplicatePhaseError extends Error {
  override readonly name = 'DuplicatePhaseError';
  readonly code = 'PIPELINE_DUPLICATE_PHASE';
  readonly phase: string;
  constructor(phase: string) {
    super(`two phases are named "${phase}": give each phase a name of its own`);
    this.phase = phase;
  }
}

/** A phase depends on, or reads from, a name that no phase has. Refused before anything starts. */
export class UnknownPhaseError extends Error {
  override readonly name = 'UnknownPhaseError';
  readonly code = 'PIPELINE_UNKNOWN_PHASE';
  readonly phase: string;
  readonly unknown: string;
  readonly known: readonly string[];
  constructor(phase: string, unknown: string, known: readonly string[]) {
    super(`phase "${phase}" depends on "${unknown}", which is not a phase; phases are: ${known.join(', ')}`);
    this.phase = phase;
    this.unknown = unknown;
    this.known = known;
  }
}

/** Phases depend on each other in a circle. Refused before anything starts. */
export class PhaseCycleError extends Error {
  override readonly name = 'PhaseCycleError';
  readonly code = 'PIPELINE_CYCLE';
  /** The circle, first name repeated at the end. */
  readonly cycle: readonly string[];
  constructor(cycle: readonly string[]) {
    super(`phases depend on each other in a circle: ${cycle.join(' → ')}; remove one of these dependencies`);
    this.cycle = cycle;
  }
}

/** A phase's declaration is unusable (empty name, weight that is no positive number, …). */
export class PhaseDefinitionError extends Error {
  override readonly name = 'PhaseDefinitionError';
  readonly code = 'PIPELINE_PHASE_INVALID';
  readonly phase: string;
  readonly field: string;
  constructor(phase: string, field: string, problem: string) {
    super(`phase "${phase}": ${field} ${problem}`);
    this.phase = phase;
    this.field = field;
  }
}

/** `inputs()` or `skip()` of a phase threw while the plan was made; nothing has started. */
export class PlanFailedError extends Error {
  override readonly name = 'PlanFailedError';
  readonly code = 'PIPELINE_PLAN_FAILED';
  readonly phase: string;
  constructor(phase: string, cause: unknown) {
    super(`could not plan phase "${phase}": ${messageOf(cause)}`, { cause });
    this.phase = phase;
  }
}

/** A phase asked for the record of a phase that it does not depend on. */
export class UndeclaredUpstreamError extends Error {
  override readonly name = 'UndeclaredUpstreamError';
  readonly code = 'PIPELINE_UNDECLARED_UPSTREAM';
  readonly phase: string;
  readonly upstream: string;
  constructor(phase: string, upstream: string) {
    super(`phase "${phase}" asked for the result of "${upstream}": add it to dependsOn`);
    this.phase = phase;
    this.upstream = upstream;
  }
}

/** What a phase returned is not what it declared in `outputs`, or names an artifact twice. */
export class PhaseOutputError extends Error {
  override readonly name = 'PhaseOutputError';
  readonly code = 'PIPELINE_OUTPUT_MISMATCH';
  readonly phase: string;
  readonly problems: readonly string[];
  constructor(phase: string, problems: readonly string[]) {
    super(`phase "${phase}" returned other outputs than it declares: ${problems.join('; ')}`);
    this.phase = phase;
    this.problems = problems;
  }
}

/** A phase ran to its end, but hashing, flushing or recording its result failed (`cause` says how). */
export class CommitFailedError extends Error {
  override readonly name = 'CommitFailedError';
  readonly code = 'PIPELINE_COMMIT_FAILED';
  readonly phase: string;
  constructor(phase: string, cause: unknown) {
    super(`phase "${phase}" ended, but its result could not be saved: ${messageOf(cause)}`, { cause });
    this.phase = phase;
  }
}

/** A phase failed. `cause` is what it threw; nothing that happened afterwards replaces it. */
export class PhaseFailedError extends Error {
  override readonly name = 'PhaseFailedError';
  readonly code = 'PIPELINE_PHASE_FAILED';
  readonly phase: string;
  /** Attempts made, 1 when the phase has no retry policy. */
  readonly attempts: number;
  constructor(phase: string, attempts: number, cause: unknown) {
    const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
    super(`phase "${phase}" failed${tries}: ${messageOf(cause)}`, { cause });
    this.phase = phase;
    this.attempts = attempts;
  }
}

/** The run was cancelled. Committed phases are kept; running again resumes. */
export class PipelineCancelledError extends Error {
  override readonly name = 'PipelineCancelledError';
  readonly code = 'PIPELINE_CANCELLED';
  /** Phases that had not reacted to their signal when the run stopped waiting for them. */
  readonly latePhases: readonly string[];
  constructor(latePhases: readonly string[], waitedMs: number | undefined, cause: unknown) {
    const waited = waitedMs === undefined ? 'at once' : `after ${waitedMs} ms`;
    super(
      latePhases.length === 0
        ? 'cancelled; finished phases are kept and the next run resumes after them'
        : `cancelled ${waited} without waiting longer for: ${latePhases.join(', ')}; ` +
            'finished phases are kept and the next run resumes after them',
      { cause },
    );
    this.latePhases = latePhases;
  }
}

/** A phase used its context after the run had stopped waiting for it, so nothing it does is recorded. */
export class RunEndedError extends Error {
  override readonly name = 'RunEndedError';
  readonly code = 'PIPELINE_RUN_ENDED';
  readonly phase: string;
  constructor(phase: string) {
    super(`phase "${phase}" is still working after the run ended: react to context.signal earlier`);
    this.phase = phase;
  }
}

/** A live resource that a phase needs is not there: the phase that makes it was reused, or it was disposed. */
export class LiveResourceMissingError extends Error {
  override readonly name = 'LiveResourceMissingError';
  readonly code = 'PIPELINE_LIVE_MISSING';
  readonly resource: string;
  constructor(resource: string) {
    super(`live resource "${resource}" is not there: restore it from an artifact when its phase was reused`);
    this.resource = resource;
  }
}

/** A live resource was set under a name that is already in use. */
export class LiveResourceExistsError extends Error {
  override readonly name = 'LiveResourceExistsError';
  readonly code = 'PIPELINE_LIVE_EXISTS';
  readonly resource: string;
  constructor(resource: string) {
    super(`live resource "${resource}" is already set: dispose it before setting another`);
    this.resource = resource;
  }
}

/** A disposer or a clean-up step took longer than its deadline; the run went on without it. */
export class CleanUpTimeoutError extends Error {
  override readonly name = 'CleanUpTimeoutError';
  readonly code = 'PIPELINE_CLEANUP_TIMEOUT';
  readonly what: string;
  readonly timeoutMs: number;
  constructor(what: string, timeoutMs: number) {
    super(`${what} did not end within ${timeoutMs} ms; it may have to be removed by hand`);
    this.what = what;
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Whether running again may succeed without any change. The engine's own errors say that something is
 * declared wrongly or was decided by the user, so only a failure whose cause is transient counts.
 */
export function isTransientPipelineError(
  error: unknown,
  isTransientCause: (cause: unknown) => boolean = () => false,
): boolean {
  const wrapped =
    error instanceof PhaseFailedError ||
    error instanceof CommitFailedError ||
    error instanceof PlanFailedError;
  return wrapped && isTransientCause(error.cause);
}

/** The text of anything that can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Anything that can be thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

/** The stable `code` of an error, when it has one. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}
