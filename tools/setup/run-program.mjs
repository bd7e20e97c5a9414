import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { performance } from 'node:perf_hooks';
import { echoFilter } from './signals.mjs';

/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {'terminal' | 'stderr' | 'hidden'} output where it goes: our own terminal, our stderr, or only into the result
 * @property {boolean} [ownSession] the child is shielded from the terminal's own Ctrl-C and gets exactly what we
 *   forward, and SIGTERM when we are killed. Not for sudo, which asks for the password on the controlling terminal.
 */

/**
 * @typedef {object} Finished
 * @property {number} exitCode 128 + number for a signal, 127 when the program is missing, as in a shell
 * @property {string} output empty for 'terminal'
 * @property {NodeJS.Signals | undefined} interrupted the first signal that we were sent while it ran
 */

/**
 * Runs a program to its end and forwards signals to it.
 *
 * @param {readonly [string, ...string[]]} command
 * @param {RunOptions} options
 * @returns {Promise<Finished>}
 */
export function runProgram(command, { cwd, env, output, ownSession = false }) {
  return new Promise((resolve) => {
    const [program, ...args] = ownSession ? ['setpriv', '--pdeathsig', 'TERM', ...command] : command;
    const child = spawn(program, args, {
      cwd,
      env,
      detached: ownSession,
      stdio: output === 'terminal' ? 'inherit' : [output === 'hidden' ? 'ignore' : 'inherit', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
        text += chunk;
        if (output === 'stderr') process.stderr.write(chunk);
      });
    }

    /** @type {NodeJS.Signals | undefined} */
    let interrupted;
    const isNew = echoFilter(() => performance.now());
    const forward = (/** @type {NodeJS.Signals} */ signal) => {
      interrupted ??= signal;
      // In our own process group the terminal has already told the child.
      const toldByTerminal = !ownSession && signal === 'SIGINT' && process.stdin.isTTY;
      if (isNew(signal) && !toldByTerminal) child.kill(signal);
    };
    const resize = () => child.kill('SIGWINCH');
    for (const signal of FORWARDED) process.on(signal, forward);
    if (ownSession) process.on('SIGWINCH', resize);

    const finish = (/** @type {number} */ exitCode) => {
      for (const signal of FORWARDED) process.off(signal, forward);
      process.off('SIGWINCH', resize);
      resolve({ exitCode, output: text, interrupted });
    };
    child.once('error', (error) => {
      text += `${program}: ${error.message}\n`;
      finish(127);
    });
    child.once('close', (code, signal) => {
      finish(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
