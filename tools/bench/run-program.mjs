import { spawn } from 'node:child_process';

/** Time between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

/**
 * Runs a program to its end with all that it starts in a group of its own, which a stop ends with it.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, signal: AbortSignal }} options
 * @returns {Promise<string | undefined>} what went wrong, in words
 */
export async function runProgram(program, args, { cwd, env = process.env, signal }) {
  if (signal.aborted) return 'stopped';
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  const kill = (/** @type {NodeJS.Signals} */ name) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // Nobody is left in it.
    }
  };
  /** @type {NodeJS.Timeout | undefined} */
  let lastResort;
  const stop = () => {
    kill('SIGTERM');
    lastResort = setTimeout(() => {
      kill('SIGKILL');
    }, GRACE_MS);
  };
  signal.addEventListener('abort', stop);
  /** @type {string | undefined} */
  const problem = await new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, signalName) => {
      resolve(
        code === 0 ? undefined : code === null ? `ended by ${signalName ?? 'a signal'}` : `exit code ${code}`,
      );
    });
  });
  clearTimeout(lastResort);
  signal.removeEventListener('abort', stop);
  return isAborted(signal) ? 'stopped' : problem;
}

/**
 * @returns {AbortSignal} aborted by Ctrl-C or SIGTERM
 */
export function stopSignal() {
  const stop = new AbortController();
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(name, () => {
      stop.abort();
    });
  }
  return stop.signal;
}

/** Asked anew: it changes while something runs. @param {AbortSignal} signal */
function isAborted(signal) {
  return signal.aborted;
}
