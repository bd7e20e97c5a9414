import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** Time between SIGTERM, which lets a step end what it has started itself, and SIGKILL. */
const GRACE_MS = 10_000;

/**
 * @typedef {object} StepResult
 * @property {boolean} ok
 * @property {string} outcome in words
 * @property {number} durationMs
 */

/**
 * Runs one step to its end; never throws for what the step does.
 *
 * @param {import('./steps.mjs').Step} step
 * @param {{ cwd: string, logFile: string, signal: AbortSignal, graceMs?: number }} options everything the step prints
 *   goes to logFile
 * @returns {Promise<StepResult>}
 */
export async function runStep({ command, timeoutMs }, { cwd, logFile, signal, graceMs = GRACE_MS }) {
  const started = performance.now();
  const [program, ...args] = command;
  const log = openSync(logFile, 'w');
  // A group of its own, so that a step that hangs is ended with all it started. The log as a file descriptor, so that
  // something left behind that holds it open holds nobody up.
  const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);

  let ended = '';
  /** @type {NodeJS.Timeout | undefined} */
  let lastResort;
  const end = (/** @type {string} */ why) => {
    ended = why;
    killGroup(child.pid, 'SIGTERM');
    lastResort = setTimeout(() => {
      killGroup(child.pid, 'SIGKILL');
    }, graceMs);
  };
  const deadline = setTimeout(() => {
    end(`ended after its ${timeoutMs / 1000} s`);
  }, timeoutMs);
  const abort = () => {
    end('stopped');
  };
  signal.addEventListener('abort', abort);

  /** @type {string} */
  const exit = await new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, signalName) => {
      resolve(
        code === 0 ? 'ok' : code === null ? `ended by ${signalName ?? 'a signal'}` : `exit code ${code}`,
      );
    });
  });
  clearTimeout(deadline);
  clearTimeout(lastResort);
  signal.removeEventListener('abort', abort);
  killGroup(child.pid, 'SIGKILL');
  const outcome = ended || exit;
  return { ok: outcome === 'ok', outcome, durationMs: performance.now() - started };
}

/**
 * @param {number | undefined} pid of the group's leader; undefined when it was never started
 * @param {NodeJS.Signals} signal
 */
function killGroup(pid, signal) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
