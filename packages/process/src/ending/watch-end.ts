import type { ContainmentMechanism } from '../containment/contain.ts';
import type { RunOptions } from '../options.ts';
import type { EndReason, ProcessExit } from '../running-process.ts';
import { signalContained } from './signal-contained.ts';
import { toExit } from './to-exit.ts';

const defaultKillAfterMs = 5000;

/**
 * How long we wait for the end after SIGKILL. It takes milliseconds, unless the program hangs in the kernel (a
 * broken disk, a dead network mount); then nobody can end it, and waiting longer would only hide that.
 */
const giveUpAfterKillMs = 30_000;

/** The part of Node's ChildProcess that tells the end. */
export interface ExitSource {
  once(event: 'exit', listener: (code: number | null, signal: string | null) => void): unknown;
}

/** The end of a program, and the ways to bring it about. */
export interface End {
  exited: Promise<ProcessExit>;
  /** As `exited`, but resolves also when we gave up, with neither code nor signal. */
  exitedOrAbandoned: Promise<ProcessExit>;
  /** Sends a signal, unless it has ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** Asks the program to end, and kills it if it does not. The first reason counts. */
  end(reason: EndReason): void;
  /** Why we ended it, or what went wrong after its end. */
  reason(): EndReason | undefined;
}

/** Watches for the program's end, its deadline and its AbortSignal. */
export function watchEnd(
  child: ExitSource,
  pid: number,
  mechanism: ContainmentMechanism,
  options: Pick<RunOptions, 'signal' | 'timeoutMs' | 'killAfterMs'>,
): End {
  let reason: EndReason | undefined;
  let hasExited = false;
  let killed = false;
  let killTimer: NodeJS.Timeout | undefined;
  let abandon: (exit: ProcessExit) => void = () => undefined;
  const abandoned = new Promise<ProcessExit>((resolve) => {
    abandon = resolve;
  });

  const kill = (signal: NodeJS.Signals): boolean => {
    killed ||= signal === 'SIGKILL';
    return !hasExited && signalContained(pid, mechanism, signal);
  };
  const end = (why: EndReason): void => {
    if (reason !== undefined) return;
    if (hasExited) {
      // Too late to end it for a deadline, but what failed on our side is still to be told.
      if (why.kind === 'error') reason = why;
      return;
    }
    reason = why;
    kill('SIGTERM');
    killTimer = setTimeout(() => {
      kill('SIGKILL');
      killTimer = setTimeout(() => {
        abandon({ code: null, signal: null, at: performance.now() });
      }, giveUpAfterKillMs);
    }, options.killAfterMs ?? defaultKillAfterMs);
  };

  const pass = (): void => {
    end({ kind: 'timeout' });
  };
  const deadline = options.timeoutMs === undefined ? undefined : setTimeout(pass, options.timeoutMs);
  const cancel = (): void => {
    end({ kind: 'cancelled', cause: options.signal?.reason });
  };
  options.signal?.addEventListener('abort', cancel, { once: true });

  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      hasExited = true;
      clearTimeout(deadline);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', cancel);
      resolve(toExit(code, signal, { mechanism, killed }));
    });
  });

  return {
    exited,
    exitedOrAbandoned: Promise.race([exited, abandoned]),
    kill,
    end,
    reason: () => reason,
  };
}
