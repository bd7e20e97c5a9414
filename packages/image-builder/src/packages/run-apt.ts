import { ProgramFailedError, run, type RunResult } from '@osforge/process';
import { classifyAptFailure } from './classify-apt-failure.ts';
import { WorkspaceLockedError } from './errors.ts';

/** How apt is run in a workspace. */
export interface AptRun {
  /** apt.conf of the workspace. */
  configPath: string;
  /** For messages: `refresh the indexes`. */
  what: string;
  /** Where apt writes; for the error about space. */
  directory: string;
  /** File that readers share and writers have for themselves, between processes too. */
  lock: { path: string; mode: 'shared' | 'exclusive'; waitMs: number };
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  maxOutputBytes?: number;
  onLine?: (line: string) => void;
  /** Errors that only the caller can tell, tried before the general ones. */
  explain?: (lines: readonly string[], cause: unknown) => Promise<Error | undefined>;
}

/** An exit code that apt does not use. */
const lockConflict = 75;
/** Lines kept to tell an error from; it is at the end. */
const mostLines = 500;

/** Runs a program of apt under the workspace's lock and turns its failure into a typed error. */
export async function runApt(program: string, args: readonly string[], how: AptRun): Promise<RunResult> {
  const { path, mode, waitMs } = how.lock;
  const lines: string[] = [];
  try {
    return await run(
      'flock',
      // --no-fork: the lock is apt's own, it ends with apt and signals reach apt itself.
      [
        '--no-fork',
        `--${mode}`,
        '--conflict-exit-code',
        String(lockConflict),
        '--timeout',
        String(waitMs / 1000),
        path,
        program,
        ...args,
      ],
      {
        env: { APT_CONFIG: how.configPath, DEBIAN_FRONTEND: 'noninteractive' },
        signal: how.signal,
        timeoutMs: how.timeoutMs,
        maxOutputBytes: how.maxOutputBytes,
        onLine: (line) => {
          lines.push(line);
          if (lines.length > mostLines) lines.shift();
          how.onLine?.(line);
        },
      },
    );
  } catch (error) {
    if (!(error instanceof ProgramFailedError)) throw error;
    if (error.exitCode === lockConflict)
      throw new WorkspaceLockedError(how.directory, waitMs, { cause: error });
    throw (
      (await how.explain?.(lines, error)) ??
      classifyAptFailure({ what: how.what, directory: how.directory, lines, cause: error })
    );
  }
}
