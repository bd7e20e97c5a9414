import { ProgramCancelledError, ProgramFailedError, ProgramTimeoutError } from './errors.ts';
import type { RunOptions } from './options.ts';
import { maskSecrets } from './output/mask-secrets.ts';
import { start } from './start.ts';

/** A program that has ended with an allowed exit code. */
export interface RunResult {
  exitCode: number;
  /** The kept end of what it wrote, as UTF-8 text, without the last line end; secrets masked. */
  stdout: string;
  /** See `stdout`. */
  stderr: string;
  /** How much of the beginning of each output is not in `stdout` and `stderr`, in bytes; 0 if nothing is. */
  droppedBytes: { stdout: number; stderr: number };
  /** False if something still held the output open when `drainTimeoutMs` after the end had passed. */
  outputComplete: boolean;
  durationMs: number;
  pid: number;
}

const withoutLastLineEnd = (text: string): string => text.replace(/\r?\n$/, '');

/**
 * Runs a program to its end; it does not outlive this process.
 *
 * Rejects with {@link ProgramFailedError} for any other exit code than `allowedExitCodes` or a signal,
 * {@link ProgramTimeoutError}, {@link ProgramCancelledError}, `ProgramMissingError`, `ProgramSpawnError`,
 * `OutputTooLongError`, `ProcessLogFileError`, and with what `onLine` throws. When it rejects, the program is
 * dead, and with `lifetime: 'tree'` all that it started.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const mask = maskSecrets(options.secrets ?? []);
  const startedAt = performance.now();
  const running = start(program, args, options);
  const { exit, ended, lastLines, stdout, stderr, droppedBytes, outputComplete } = await running.closed;
  const end = {
    program,
    args: args.map((arg) => mask.whole(arg)),
    exitCode: exit.code,
    signal: exit.signal,
    lastLines,
  };
  if (ended?.kind === 'error') throw ended.error;
  if (ended?.kind === 'timeout') throw new ProgramTimeoutError(end, options.timeoutMs ?? 0);
  if (ended?.kind === 'cancelled') throw new ProgramCancelledError({ ...end, started: true }, ended.cause);
  if (exit.code === null || !(options.allowedExitCodes ?? [0]).includes(exit.code)) {
    throw new ProgramFailedError(end);
  }
  return {
    exitCode: exit.code,
    stdout: withoutLastLineEnd(stdout),
    stderr: withoutLastLineEnd(stderr),
    droppedBytes,
    outputComplete,
    durationMs: exit.at - startedAt,
    pid: running.pid,
  };
}
