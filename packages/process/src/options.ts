import type { ContainmentMechanism } from './containment/contain.ts';

/** One of the two outputs of a program. */
export type OutputStream = 'stdout' | 'stderr';

/** One line of output, without its line end, secrets masked. */
export interface OutputLine {
  line: string;
  stream: OutputStream;
}

/** How a program is run. Every field may be left out. */
export interface RunOptions {
  /** Working folder; default that of this process. */
  cwd?: string | undefined;
  /**
   * Changes to what a program is given; undefined removes a variable. It is given `PATH`, `HOME`, `TMPDIR`, the
   * proxies and a few more of this process's environment, and nothing else, so that no secret in it gets there.
   * Unless given, `LC_ALL` is `C.UTF-8` (tools then write what can be parsed); `PATH` has the system's `sbin` folders
   * appended.
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the program: SIGTERM, then SIGKILL after `killAfterMs`. */
  signal?: AbortSignal | undefined;
  /** Ends the program like `signal` when it passes, in milliseconds; default: no deadline. */
  timeoutMs?: number | undefined;
  /** What the program reads from stdin; default: nothing (`/dev/null`). */
  input?: string | Uint8Array | undefined;
  /**
   * Open files that the program inherits as descriptors 3, 4 and so on, at most 6, in this order; default: none. They
   * stay open here. A lock (`flock`) on one of them lasts until both have closed it.
   */
  descriptors?: readonly number[] | undefined;
  /** Called for each line in the order of arrival. If it throws, the program is ended and `run` rejects. */
  onLine?: ((line: string, stream: OutputStream) => void) | undefined;
  /** How much of the end of each output is kept for the result, in bytes; default 1 MiB. */
  maxOutputBytes?: number | undefined;
  /** What to do beyond `maxOutputBytes`: keep the end (default), or end the program with an error. */
  overflow?: 'tail' | 'error' | undefined;
  /** A line longer than this many UTF-16 units comes in pieces; default 1 Mi. */
  maxLineLength?: number | undefined;
  /** What dies with this process: the program (default), or the program and all that it starts. */
  lifetime?: 'child' | 'tree' | undefined;
  /**
   * How to contain a tree, if the best mechanism is not the right one; see {@link ContainmentMechanism}. Where it
   * is refused, another is taken, and `containment.reason` says why.
   */
  mechanism?: Exclude<ContainmentMechanism, 'parent-death-signal' | 'none'> | undefined;
  /** For a tree in a process namespace: mount namespace and a /proc of its own; default false. */
  mountProc?: boolean | undefined;
  /** From SIGTERM to SIGKILL, in milliseconds; default 5000. */
  killAfterMs?: number | undefined;
  /** How long output may go on after the program has ended (something else holds it open); default 2000. */
  drainTimeoutMs?: number | undefined;
  /** Exit codes that mean success; default `[0]`. */
  allowedExitCodes?: readonly number[] | undefined;
  /** Every line is appended to this file, which is created if it is missing. */
  logFile?: string | undefined;
  /** Values that are masked in lines, results, errors and the log file. */
  secrets?: readonly string[] | undefined;
}
