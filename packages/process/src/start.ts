import { statSync } from 'node:fs';

import { execa } from 'execa';
import { Subject } from 'rxjs';

import { contain, type Containment } from './containment/contain.ts';
import { watchEnd } from './ending/watch-end.ts';
import { environment } from './environment.ts';
import { ProgramCancelledError, ProgramMissingError, ProgramSpawnError } from './errors.ts';
import { findProgram } from './find-program.ts';
import type { OutputLine, RunOptions } from './options.ts';
import { collectOutput } from './output/collect-output.ts';
import { maskSecrets } from './output/mask-secrets.ts';
import type { RunningProcess } from './running-process.ts';

/** Up to 8: the next is the one that the first process of a namespace keeps the program's stdin in. */
const maxDescriptors = 6;

/** Refuses what cannot work before anything is started, and finds the program. */
function check(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: RunOptions,
): string {
  const { cwd, signal, secrets = [], descriptors = [] } = options;
  if (descriptors.length > maxDescriptors)
    throw new RangeError(
      `${descriptors.length} descriptors are to be inherited; at most ${maxDescriptors} can be`,
    );
  if (signal?.aborted === true) {
    const mask = maskSecrets(secrets);
    const masked = args.map((arg) => mask.whole(arg));
    const end = { program, args: masked, exitCode: null, signal: null, lastLines: [], started: false };
    throw new ProgramCancelledError(end, signal.reason);
  }
  if (cwd !== undefined && statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new ProgramSpawnError(program, `its working folder ${cwd} does not exist`, 'ENOENT');
  }
  const path = findProgram(program, { path: env['PATH'], cwd });
  if (path === undefined) throw new ProgramMissingError(program);
  return path;
}

/** The part of execa's result that tells why nothing was started. */
interface SpawnOutcome {
  code?: string | undefined;
  originalMessage?: string | undefined;
}

function failedStart(
  program: string,
  containment: Containment,
  outcome: PromiseLike<SpawnOutcome>,
): RunningProcess {
  const lines = new Subject<OutputLine>();
  const failed = (async (): Promise<never> => {
    // Node's error has the arguments (`spawnargs`), and with them perhaps secrets: it is not handed on as cause.
    const { code, originalMessage } = await outcome;
    lines.complete();
    throw new ProgramSpawnError(program, originalMessage ?? 'unknown reason', code);
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

/**
 * Starts a program that does not outlive this process, without a shell. Returns at once.
 *
 * Throws {@link ProgramMissingError}, {@link ProgramSpawnError} for a missing working folder, and
 * {@link ProgramCancelledError} if `signal` has already fired. An exit code never makes it fail: see `run`.
 */
export function start(program: string, args: readonly string[], options: RunOptions = {}): RunningProcess {
  const env = environment(options.env);
  const path = check(program, args, env, options);
  const { containment, ...command } = contain(path, args, {
    lifetime: options.lifetime ?? 'child',
    mechanism: options.mechanism,
    mountProc: options.mountProc ?? false,
  });

  // execa hands any descriptor on, as Node does; its types name those below ten alone.
  const inherited = (options.descriptors ?? []) as readonly 3[];
  const subprocess = execa(command.program, command.args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env,
    extendEnv: false,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...inherited],
    buffer: false,
    reject: false,
    // A group and session of its own: Ctrl-C at the terminal reaches us alone, and we end the program in order.
    detached: true,
    cleanup: false,
  });
  const { pid, stdin, stdout, stderr, nodeChildProcess } = subprocess;
  if (pid === undefined) return failedStart(program, containment, subprocess);

  const end = watchEnd(nodeChildProcess, pid, containment.mechanism, options);
  if (options.input !== undefined) {
    // A program may end without reading all of its input; then it is its exit code that counts.
    stdin?.on('error', () => undefined);
    stdin?.end(options.input);
  }
  const lines = new Subject<OutputLine>();
  return {
    pid,
    containment,
    lines$: lines.asObservable(),
    exited: end.exited,
    closed: collectOutput(end, { ...options, program, stdout, stderr, lines }),
    kill: (signal = 'SIGTERM') => end.kill(signal),
    killTree: () => {
      end.kill('SIGKILL');
      return end.exited;
    },
  };
}
