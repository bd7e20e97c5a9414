import { ProgramFailedError, run, type RunResult } from '@osforge/process';
import { classifyAptFailure } from './classify-apt-failure.ts';
import { withFileLock, type FileLock } from './file-lock.ts';

/** How apt is run in a workspace. */
export interface AptRun {
  /** apt.conf of the workspace. */
  configPath: string;
  /** For messages: `refresh the indexes`. */
  what: string;
  /** Where apt writes; for the error about space. */
  directory: string;
  /** What is held already, by its descriptor, or taken while it runs. Either way apt keeps it to its own end. */
  lock: number | Omit<FileLock, 'directory'>;
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  maxOutputBytes?: number;
  onLine?: (line: string) => void;
  /** Errors that only the caller can tell, tried before the general ones. */
  explain?: (lines: readonly string[], cause: unknown) => Promise<Error | undefined>;
}

/** Lines kept to tell an error from; it is at the end. */
const mostLines = 500;

/** Runs a program of apt under a lock and turns its failure into a typed error. */
export async function runApt(program: string, args: readonly string[], how: AptRun): Promise<RunResult> {
  const { lock, directory, signal } = how;
  if (typeof lock === 'number') return runLocked(program, args, how, lock);
  return withFileLock({ ...lock, directory }, signal, (held) => runLocked(program, args, how, held));
}

async function runLocked(
  program: string,
  args: readonly string[],
  how: AptRun,
  lock: number,
): Promise<RunResult> {
  const lines: string[] = [];
  try {
    return await run(program, args, {
      env: { APT_CONFIG: how.configPath, DEBIAN_FRONTEND: 'noninteractive' },
      descriptors: [lock],
      signal: how.signal,
      timeoutMs: how.timeoutMs,
      maxOutputBytes: how.maxOutputBytes,
      onLine: (line) => {
        lines.push(line);
        if (lines.length > mostLines) lines.shift();
        how.onLine?.(line);
      },
    });
  } catch (error) {
    if (!(error instanceof ProgramFailedError)) throw error;
    throw (
      (await how.explain?.(lines, error)) ??
      classifyAptFailure({ what: how.what, directory: how.directory, lines, cause: error })
    );
  }
}
