import type { Observable } from 'rxjs';

import type { Containment } from './containment/contain.ts';
import type { OutputLine } from './options.ts';

/** How a program ended. */
export interface ProcessExit {
  /** The exit code; null if a signal ended it. */
  code: number | null;
  /** The signal that ended it, such as `SIGKILL`; else null. */
  signal: string | null;
  /** When we learned of it: `performance.now()`, in milliseconds. */
  at: number;
}

/** Why we ended a program ourselves. */
export type EndReason =
  { kind: 'timeout' } | { kind: 'cancelled'; cause: unknown } | { kind: 'error'; error: unknown };

/** What is known when a program has ended and its output is read. */
export interface ProcessClose {
  exit: ProcessExit;
  /** The kept end of the output, as UTF-8 text, secrets masked. */
  stdout: string;
  /** See `stdout`. */
  stderr: string;
  /** How much of the beginning of each output was not kept, in bytes. */
  droppedBytes: { stdout: number; stderr: number };
  /** False if something still held the output open when `drainTimeoutMs` after the end had passed. */
  outputComplete: boolean;
  /** The last 20 lines of both outputs, in the order of arrival. */
  lastLines: readonly string[];
  /** Why we ended it; undefined if it ended by itself. */
  ended: EndReason | undefined;
}

/** A program that runs. */
export interface RunningProcess {
  /** The process that we hold: the program itself, or for `lifetime: 'tree'` the process that contains it. */
  readonly pid: number;
  readonly containment: Containment;
  /**
   * Each line from now on, in the order of arrival; completes when the output has ended. Whoever subscribes
   * right after `start` has returned misses nothing.
   */
  readonly lines$: Observable<OutputLine>;
  /** Resolves at the program's end, before its last output is read. Rejects only if it could not be started. */
  readonly exited: Promise<ProcessExit>;
  /**
   * Resolves when the program has ended and its output is read. Rejects only if it could not be started. If it
   * does not end within 30 s after SIGKILL, it resolves with neither code nor signal.
   */
  readonly closed: Promise<ProcessClose>;
  /** Sends a signal; in a tree SIGTERM and SIGINT go to the process group. False if it has already ended. */
  kill(signal?: NodeJS.Signals): boolean;
  /** Kills the program, and for `lifetime: 'tree'` all that it started; resolves when it is dead. */
  killTree(): Promise<ProcessExit>;
}
