import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const entry: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
export const repository: string = fileURLToPath(new URL('../../../..', import.meta.url));

export interface CliRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `closed`: file descriptor 0 does not exist. Default: an empty file. */
  readonly stdin?: 'empty' | 'closed';
}

export type CliProcess = ChildProcessByStdio<null, Readable, Readable>;

/** The environment of the tests, without what would change the output. */
export function environment(extra: CliOptions['env']): NodeJS.ProcessEnv {
  const unset = { CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, NODE_OPTIONS: undefined };
  return { ...process.env, ...unset, LC_ALL: 'C.UTF-8', ...extra };
}

/** A test that fails leaves no process behind. */
function endedWithTest(child: CliProcess): CliProcess {
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  return child;
}

/** Starts the built command line. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const [program, all] =
    options.stdin === 'closed'
      ? ['/bin/sh', ['-c', 'exec "$@" <&-', 'sh', process.execPath, entry, ...args]]
      : [process.execPath, [entry, ...args]];
  return endedWithTest(
    spawn(program, all, {
      cwd: options.cwd ?? repository,
      env: environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

/** Collects what a started command line says until it ends. */
export async function finished(child: CliProcess): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs the built command line to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return finished(startCli(args, options));
}

/** Runs a shell script in which `"$@"` is the command line `osforge`. */
export function cliInShell(script: string, options: CliOptions = {}): Promise<CliRun> {
  const child = endedWithTest(
    spawn('/bin/bash', ['-c', script, 'bash', process.execPath, entry], {
      cwd: options.cwd ?? repository,
      env: environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  return finished(child);
}
