import { statSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

import { execa } from 'execa';
import { Subject, type Observable } from 'rxjs';

import { contain, type Containment, type ContainmentMechanism } from './containment/contain.ts';
import { killContained, signalContained } from './ending.ts';
import {
  OutputTooLongError,
  ProgramCancelledError,
  ProgramMissingError,
  ProgramSpawnError,
} from './errors.ts';
import { findProgram, searchPath } from './find-program.ts';
import type { OutputLine, OutputStream, RunOptions } from './options.ts';
import { keepTail, type Tail } from './output/keep-tail.ts';
import { keepLastLines } from './output/last-lines.ts';
import { openLogFile } from './output/log-file.ts';
import { maskSecrets } from './output/mask-secrets.ts';
import { readOutput } from './output/read-output.ts';
import { splitLines } from './output/split-lines.ts';

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
  stdout: string;
  stderr: string;
  droppedBytes: { stdout: number; stderr: number };
  outputComplete: boolean;
  lastLines: readonly string[];
  /** Why we ended it; undefined if it ended by itself. */
  ended: EndReason | undefined;
}

/** A program that runs. */
export interface RunningProcess {
  /** The process that we hold: the program itself, or for `lifetime: 'tree'` the process that contains it. */
  readonly pid: number;
  readonly containment: Containment;
  /** Each line from now on, in the order of arrival; completes when the output has ended. */
  readonly lines$: Observable<OutputLine>;
  /** Resolves at the program's end, before its last output is read. Rejects only if it could not be started. */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when the program has ended and its output is read. Rejects only if it could not be started. */
  readonly closed: Promise<ProcessClose>;
  /** Sends a signal; in a tree SIGTERM and SIGINT go to the process group. False if it has already ended. */
  kill(signal?: NodeJS.Signals): boolean;
  /** Kills the program, and for `lifetime: 'tree'` all that it started; resolves when it is dead. */
  killTree(): Promise<ProcessExit>;
}

const mebi = 1024 * 1024;

function environment(changes: RunOptions['env']): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C.UTF-8', ...changes };
  return { ...merged, PATH: searchPath(merged['PATH']) };
}

/** A contained tree tells a signal as a shell does: exit code 128 + its number. */
function toExit(code: number | null, signal: string | null, mechanism: ContainmentMechanism): ProcessExit {
  const at = performance.now();
  if (code !== null && code > 128 && mechanism.endsWith('pid-namespace')) {
    const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
    if (name !== undefined) return { code: null, signal: name, at };
  }
  return { code, signal, at };
}

/**
 * Starts a program that does not outlive this process, without a shell. Returns at once.
 *
 * Throws {@link ProgramMissingError}, {@link ProgramSpawnError} for a missing working folder, and
 * {@link ProgramCancelledError} if `signal` has already fired. An exit code never makes it fail: see {@link run}.
 */
export function start(program: string, args: readonly string[], options: RunOptions = {}): RunningProcess {
  const mask = maskSecrets(options.secrets ?? []);
  const env = environment(options.env);
  const path = findProgram(program, { path: env['PATH'], cwd: options.cwd });
  if (path === undefined) throw new ProgramMissingError(mask.whole(program));
  if (options.cwd !== undefined && statSync(options.cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ProgramSpawnError(program, `its working folder ${options.cwd} does not exist`, 'ENOENT');
  }
  if (options.signal?.aborted === true) {
    const end = {
      program,
      args: args.map((arg) => mask.whole(arg)),
      exitCode: null,
      signal: null,
      lastLines: [],
    };
    throw new ProgramCancelledError(end, options.signal.reason);
  }
  const command = contain(path, args, {
    lifetime: options.lifetime ?? 'child',
    mechanism: options.mechanism,
    mountProc: options.mountProc ?? false,
  });
  const { mechanism } = command.containment;

  const subprocess = execa(command.program, command.args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env,
    extendEnv: false,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // A group and session of its own: Ctrl-C at the terminal reaches us alone, and we end the program in order.
    detached: true,
    cleanup: false,
  });
  const pid = subprocess.pid;
  const lines = new Subject<OutputLine>();
  if (pid === undefined) return failedStart(program, subprocess, command.containment, lines);

  let ended: EndReason | undefined;
  let hasExited = false;
  let killTimer: NodeJS.Timeout | undefined;
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): boolean =>
    !hasExited && signalContained(pid, mechanism, signal);
  const end = (reason: EndReason): void => {
    if (hasExited || ended !== undefined) return;
    ended = reason;
    kill('SIGTERM');
    killTimer = setTimeout(() => kill('SIGKILL'), options.killAfterMs ?? 5000);
  };

  const deadline =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          end({ kind: 'timeout' });
        }, options.timeoutMs);
  const cancel = (): void => {
    end({ kind: 'cancelled', cause: options.signal?.reason });
  };
  options.signal?.addEventListener('abort', cancel, { once: true });

  const exited = new Promise<ProcessExit>((resolve) => {
    subprocess.nodeChildProcess.once('exit', (code, signal) => {
      hasExited = true;
      clearTimeout(deadline);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', cancel);
      resolve(toExit(code, signal, mechanism));
    });
  });

  if (options.input !== undefined) {
    // A program may end without reading all of its input; then it is its exit code that counts.
    subprocess.stdin?.on('error', () => undefined);
    subprocess.stdin?.end(options.input);
  }

  const log = options.logFile === undefined ? undefined : openLogFile(options.logFile);
  const last = keepLastLines();
  const maxOutputBytes = options.maxOutputBytes ?? mebi;
  const read = async (stream: Readable, name: OutputStream, tail: Tail): Promise<boolean> => {
    try {
      return await readOutput(stream, {
        mask: maskSecrets(options.secrets ?? []),
        splitter: splitLines(options.maxLineLength ?? mebi),
        tail,
        take: async (taken) => {
          if (options.overflow === 'error' && tail.droppedBytes() > 0) {
            throw new OutputTooLongError(program, name, maxOutputBytes);
          }
          for (const line of taken) {
            last.push(line);
            options.onLine?.(line, name);
            lines.next({ line, stream: name });
          }
          await log?.append(taken);
        },
      });
    } catch (error) {
      end({ kind: 'error', error });
      ended ??= { kind: 'error', error };
      stream.destroy();
      return false;
    }
  };

  const close = async (): Promise<ProcessClose> => {
    const { stdout, stderr } = subprocess;
    const tails = { stdout: keepTail(maxOutputBytes), stderr: keepTail(maxOutputBytes) };
    const outputs = Promise.all([read(stdout, 'stdout', tails.stdout), read(stderr, 'stderr', tails.stderr)]);
    const exit = await exited;
    const drain = setTimeout(() => {
      stdout.destroy();
      stderr.destroy();
    }, options.drainTimeoutMs ?? 2000);
    const complete = await outputs;
    clearTimeout(drain);
    try {
      await log?.close();
    } catch (error) {
      ended ??= { kind: 'error', error };
    }
    lines.complete();
    return {
      exit,
      stdout: tails.stdout.text(),
      stderr: tails.stderr.text(),
      droppedBytes: { stdout: tails.stdout.droppedBytes(), stderr: tails.stderr.droppedBytes() },
      outputComplete: complete.every(Boolean),
      lastLines: last.lines(),
      ended,
    };
  };

  return {
    pid,
    containment: command.containment,
    lines$: lines.asObservable(),
    exited,
    closed: close(),
    kill,
    killTree: () => {
      if (!hasExited) killContained(pid, mechanism);
      return exited;
    },
  };
}

/** The part of execa's result that tells why nothing was started. */
interface SpawnOutcome {
  code?: string | undefined;
  originalMessage?: string | undefined;
  cause?: unknown;
}

function failedStart(
  program: string,
  outcome: PromiseLike<SpawnOutcome>,
  containment: Containment,
  lines: Subject<OutputLine>,
): RunningProcess {
  const failed = (async (): Promise<never> => {
    const { code, originalMessage, cause } = await outcome;
    lines.complete();
    throw new ProgramSpawnError(program, originalMessage ?? 'unknown reason', code, cause);
  })();
  // Who does not look at it must not be ended by an unhandled rejection.
  failed.catch(() => undefined);
  return {
    pid: 0,
    containment,
    lines$: lines.asObservable(),
    exited: failed,
    closed: failed,
    kill: () => false,
    killTree: () => failed,
  };
}
