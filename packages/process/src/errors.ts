import { debianPackageOf } from './debian-packages.ts';

/** How much of a command line an error message shows. */
const shownCommandLength = 300;

function show(program: string, args: readonly string[]): string {
  const command = [program, ...args].join(' ');
  return command.length > shownCommandLength ? `${command.slice(0, shownCommandLength)}…` : command;
}

function showLines(lines: readonly string[]): string {
  return lines.length === 0 ? ' It wrote nothing.' : ` Its last lines:\n  ${lines.join('\n  ')}`;
}

/** SIGKILL ends every program, except one that hangs in the kernel. */
function showUnkillable(end: ProgramEnd): string {
  return end.exitCode === null && end.signal === null
    ? ' It has not ended even after SIGKILL: it may hang in the kernel (see dmesg).'
    : '';
}

/** The program is neither in `PATH` nor in the system's `sbin` folders, or the given path is not executable. */
export class ProgramMissingError extends Error {
  override readonly name = 'ProgramMissingError';
  readonly code = 'PROCESS_PROGRAM_MISSING';
  readonly program: string;
  /** The Debian package that has it; undefined if this package does not know. */
  readonly debianPackage: string | undefined;

  constructor(program: string) {
    const debianPackage = debianPackageOf(program);
    const remedy =
      debianPackage === undefined
        ? 'Install it, or add its folder to PATH.'
        : `Install it: apt-get install ${debianPackage}`;
    super(`The program ${program} was not found. ${remedy}`);
    this.program = program;
    this.debianPackage = debianPackage;
  }
}

/** The operating system refused to start the program (too many processes, no memory, bad working folder). */
export class ProgramSpawnError extends Error {
  override readonly name = 'ProgramSpawnError';
  readonly code = 'PROCESS_SPAWN';
  readonly program: string;
  /** The system's error name such as `EAGAIN`; undefined if there was none. */
  readonly errno: string | undefined;

  constructor(program: string, detail: string, errno: string | undefined) {
    super(`${program} could not be started: ${detail}`);
    this.program = program;
    this.errno = errno;
  }
}

/** What the errors about a program that did run have in common. Secrets are masked in all of it. */
export interface ProgramEnd {
  program: string;
  args: readonly string[];
  exitCode: number | null;
  signal: string | null;
  /** The last lines of stdout and stderr in the order of their arrival, at most 20. */
  lastLines: readonly string[];
}

/** The program ended with an exit code that is not allowed, or by a signal that we did not send. */
export class ProgramFailedError extends Error implements ProgramEnd {
  override readonly name = 'ProgramFailedError';
  readonly code = 'PROCESS_FAILED';
  readonly program: string;
  readonly args: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];

  constructor(end: ProgramEnd) {
    const how = end.signal === null ? `with exit code ${String(end.exitCode)}` : `by ${end.signal}`;
    super(`${show(end.program, end.args)} ended ${how}.${showLines(end.lastLines)}`);
    this.program = end.program;
    this.args = end.args;
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.lastLines = end.lastLines;
  }
}

/** The program was ended because its deadline passed. */
export class ProgramTimeoutError extends Error implements ProgramEnd {
  override readonly name = 'ProgramTimeoutError';
  readonly code = 'PROCESS_TIMEOUT';
  readonly program: string;
  readonly args: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];
  readonly timeoutMs: number;

  constructor(end: ProgramEnd, timeoutMs: number) {
    super(
      `${show(end.program, end.args)} was ended after ${timeoutMs} ms.${showUnkillable(end)}${showLines(end.lastLines)}`,
    );
    this.program = end.program;
    this.args = end.args;
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.lastLines = end.lastLines;
    this.timeoutMs = timeoutMs;
  }
}

/** The program was ended, or not started, because the AbortSignal fired. `cause` is the signal's reason. */
export class ProgramCancelledError extends Error implements ProgramEnd {
  override readonly name = 'ProgramCancelledError';
  readonly code = 'PROCESS_CANCELLED';
  readonly program: string;
  readonly args: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];

  constructor(end: ProgramEnd & { started: boolean }, cause: unknown) {
    super(`${show(end.program, end.args)} was cancelled.${end.started ? showUnkillable(end) : ''}`, {
      cause,
    });
    this.program = end.program;
    this.args = end.args;
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.lastLines = end.lastLines;
  }
}

/** The program wrote more than `maxOutputBytes` and `overflow` is `'error'`; it was ended. */
export class OutputTooLongError extends Error {
  override readonly name = 'OutputTooLongError';
  readonly code = 'PROCESS_OUTPUT_TOO_LONG';
  readonly program: string;
  readonly stream: 'stdout' | 'stderr';
  readonly maxOutputBytes: number;

  constructor(program: string, stream: 'stdout' | 'stderr', maxOutputBytes: number) {
    super(
      `${program} wrote more than ${maxOutputBytes} bytes to ${stream} and was ended. Raise maxOutputBytes.`,
    );
    this.program = program;
    this.stream = stream;
    this.maxOutputBytes = maxOutputBytes;
  }
}

/** The log file could not be written (no space, no permission); the program was ended. */
export class ProcessLogFileError extends Error {
  override readonly name = 'ProcessLogFileError';
  readonly code = 'PROCESS_LOG_FILE';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`The log file ${path} could not be written: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
    this.path = path;
  }
}

const transientErrnos: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY']);

/**
 * True if the same call may succeed a moment later: the system was short of processes, memory or descriptors.
 * What a program's own exit code means is known to its caller only, so a failed program is not transient here.
 */
export function isTransientProcessError(error: unknown): boolean {
  return error instanceof ProgramSpawnError && error.errno !== undefined && transientErrnos.has(error.errno);
}
