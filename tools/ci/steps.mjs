/**
 * @typedef {object} Step
 * @property {string} name short; also names the log file
 * @property {readonly [string, ...string[]]} command
 * @property {number} timeoutMs after which the step and all it started is killed and has failed
 */

const MINUTE_MS = 60_000;

/** @type {Step} */
export const SETUP = { name: 'set-up', command: ['npm', 'run', 'setup'], timeoutMs: 15 * MINUTE_MS };

/** Without the cache: what passed on another day is no evidence for today's machine. @type {Step} */
export const TESTS = {
  name: 'tests',
  command: ['npm', 'test', '--', '--skip-nx-cache'],
  timeoutMs: 80 * MINUTE_MS,
};

/** Each counts as one. @type {readonly Step[]} */
export const CHECKS = [
  { name: 'sync', command: ['npx', 'nx', 'sync:check'], timeoutMs: 2 * MINUTE_MS },
  { name: 'format', command: ['npm', 'run', 'format:check'], timeoutMs: 5 * MINUTE_MS },
  {
    name: 'lint',
    command: ['npx', 'nx', 'run-many', '-t', 'lint', '--output-style=stream'],
    timeoutMs: 10 * MINUTE_MS,
  },
  {
    name: 'typecheck',
    command: ['npx', 'nx', 'run-many', '-t', 'typecheck', '--output-style=stream'],
    timeoutMs: 10 * MINUTE_MS,
  },
  { name: 'knip', command: ['npm', 'run', 'knip'], timeoutMs: 5 * MINUTE_MS },
  {
    name: 'package-check',
    command: ['npx', 'nx', 'run-many', '-t', 'package-check', '--output-style=stream'],
    timeoutMs: 10 * MINUTE_MS,
  },
  { name: 'repository', command: ['npm', 'run', 'check:repository'], timeoutMs: 2 * MINUTE_MS },
  { name: 'changesets', command: ['npx', 'changeset', 'status'], timeoutMs: 2 * MINUTE_MS },
];
