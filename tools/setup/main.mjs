import { accessSync, existsSync, constants as fileModes, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import {
  aptCommand,
  chooseElevation,
  explainAptFailure,
  installArguments,
  installLine,
  mayBeCuredByUpdate,
} from './apt.mjs';
import { parseArguments, USAGE } from './arguments.mjs';
import { describePackages, missingPackages } from './debian-packages.mjs';
import { inspectPrivileges, queryPackages, withoutWorkspaceBin, withWorkspaceBin } from './machine.mjs';
import { reasonToInstall } from './node-modules.mjs';
import { runProgram } from './run-program.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');
const MAIN = join(ROOT, 'apps/cli/dist/main.js');

/** Exit codes of osforge. */
const USAGE_ERROR = 2;
const PREFLIGHT_FAILED = 3;

/** Ends the set-up; its message has been printed. */
class SetupFailed extends Error {
  /** @param {number} exitCode */
  constructor(exitCode) {
    super(`set-up failed with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * Everything said here goes to stderr: stdout belongs to the job (`npm start -- --json`).
 *
 * @param {string} text
 */
function say(text) {
  process.stderr.write(text);
}

/**
 * @param {readonly string[]} argv
 * @returns {Promise<void>} sets process.exitCode
 */
export async function main(argv) {
  try {
    process.exitCode = await setUp(argv);
  } catch (error) {
    if (!(error instanceof SetupFailed)) throw error;
    process.exitCode = error.exitCode;
  }
}

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} exit code
 */
async function setUp(argv) {
  const request = parseArguments(argv);
  if ('help' in request) {
    process.stdout.write(USAGE);
    return 0;
  }
  if ('usageError' in request) {
    say(`osforge set-up: ${request.usageError}\n${USAGE}`);
    return USAGE_ERROR;
  }
  await installDebianPackages(request.job === 'test' ? 'test' : 'build');
  requireOwnFolder();
  await installNodeModules();
  switch (request.job) {
    case 'start':
      return start(request.forwarded);
    case 'test':
      return test(request.forwarded);
    case undefined:
      return finish();
  }
}

/**
 * @param {'build' | 'test'} purpose
 */
async function installDebianPackages(purpose) {
  const wanted = /** @type {import('./debian-packages.mjs').DebianPackage[]} */ (
    JSON.parse(readFileSync(new URL('debian-packages.json', import.meta.url), 'utf8'))
  );
  const query = () => queryPackages(wanted.map((each) => each.name));
  const installed = query();
  if (installed === undefined) {
    say('osforge set-up: dpkg-query is missing. osforge builds on Debian 12; this is another system.\n');
    throw new SetupFailed(PREFLIGHT_FAILED);
  }
  const missing = missingPackages(wanted, purpose, installed);
  if (missing.length === 0) return;
  const names = missing.map((each) => each.name);

  const elevation = chooseElevation(inspectPrivileges());
  if (elevation === 'none') {
    say(
      `osforge needs ${count(names.length, 'Debian package')} that this machine lacks:\n${describePackages(missing)}`,
    );
    say('Installing takes root, and there is neither root nor a sudo that works here. As root, run:\n');
    process.stdout.write(`${installLine(names)}\n`);
    throw new SetupFailed(PREFLIGHT_FAILED);
  }
  say(`osforge set-up: installing ${count(names.length, 'Debian package')}:\n${describePackages(missing)}`);
  await aptInstall(elevation, names);

  const still = missingPackages(wanted, purpose, query() ?? '');
  if (still.length > 0) {
    say(
      `osforge set-up: apt-get ended well, yet these are missing: ${still.map((each) => each.name).join(' ')}\n`,
    );
    throw new SetupFailed(PREFLIGHT_FAILED);
  }
}

/**
 * Fetches the package lists only where apt cannot do without.
 *
 * @param {import('./apt.mjs').Elevation} elevation
 * @param {readonly string[]} names
 */
async function aptInstall(elevation, names) {
  const apt = (/** @type {string[]} */ ...args) => run(aptCommand(elevation, args), 'stderr', process.env);

  const simulated = await run(
    aptCommand('root', ['--simulate', ...installArguments(names)]),
    'hidden',
    process.env,
  );
  let updated = false;
  if (simulated.exitCode !== 0) {
    say('osforge set-up: the package lists are missing or old; apt-get update\n');
    updated = true;
    const update = await apt('update');
    if (update.exitCode !== 0) aptFailed('apt-get update', update, names);
  }
  let install = await apt(...installArguments(names));
  if (install.exitCode !== 0 && !updated && mayBeCuredByUpdate(explainAptFailure(install.output))) {
    say('osforge set-up: the package lists are old; apt-get update, then once more\n');
    const update = await apt('update');
    if (update.exitCode !== 0) aptFailed('apt-get update', update, names);
    install = await apt(...installArguments(names));
  }
  if (install.exitCode !== 0) aptFailed('apt-get install', install, names);
}

/**
 * @param {string} what
 * @param {import('./run-program.mjs').Finished} finished
 * @param {readonly string[]} names
 * @returns {never}
 */
function aptFailed(what, { exitCode, output }, names) {
  say(`osforge set-up: ${what} failed (exit code ${exitCode}). ${explainAptFailure(output).advice}\n`);
  say(`The packages can also be installed by hand:\n  ${installLine(names)}\n`);
  throw new SetupFailed(PREFLIGHT_FAILED);
}

/** npm and Nx would say no more than that something was denied. */
function requireOwnFolder() {
  try {
    accessSync(ROOT, fileModes.W_OK);
  } catch {
    say(
      `osforge set-up: ${ROOT} cannot be written by you. Run this as the user whose folder it is, or in a clone of your own.\n`,
    );
    throw new SetupFailed(PREFLIGHT_FAILED);
  }
}

async function installNodeModules() {
  const record = join(ROOT, 'node_modules/.package-lock.json');
  const reason = reasonToInstall(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
    existsSync(record) ? readFileSync(record, 'utf8') : undefined,
    (path) => existsSync(join(ROOT, path)),
  );
  if (reason === undefined) return;
  say(`osforge set-up: npm ci, because ${reason}\n`);
  // Its warnings are that packages want the Node 24 which it is about to install.
  const { exitCode } = await run(
    ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    'stderr',
    withoutWorkspaceBin(process.env),
  );
  if (exitCode !== 0) {
    say(
      `osforge set-up: npm ci failed (exit code ${exitCode}); npm's output above says why. ` +
        'Offline, or behind a registry that needs a setting? Mend that and run this again: nothing else is lost.\n',
    );
    throw new SetupFailed(PREFLIGHT_FAILED);
  }
}

/**
 * The set-up alone leaves a command behind: flashing or inspecting an image should not take the build of one first.
 *
 * @returns {Promise<number>} exit code
 */
async function finish() {
  // In a CI the tests and checks build what they need, and nobody types a command.
  const isCi = process.env['CI'] !== undefined;
  if (!isCi) {
    const exitCode = await buildCommand();
    if (exitCode !== 0) return exitCode;
    if (!existsSync(join(BIN, 'osforge'))) {
      say('osforge set-up: npm did not link the osforge command; `npm rebuild @osforge/cli` says why.\n');
      return PREFLIGHT_FAILED;
    }
  }
  const more = isCi ? '' : '; `npx osforge --help` says what else there is';
  say(`osforge set-up: everything is there. \`npm start\` builds the default image${more}.\n`);
  return 0;
}

/**
 * Nx builds only what has changed since the last time.
 *
 * @returns {Promise<number>} exit code
 */
async function buildCommand() {
  const env = withWorkspaceBin(process.env, BIN);
  if (!existsSync(MAIN)) say('osforge set-up: building the osforge command\n');
  const build = await run(['nx', 'run', 'cli:build', '--output-style=stream'], 'hidden', env);
  if (build.exitCode !== 0) {
    say(`${build.output}\nosforge set-up: the osforge command could not be built (nx run cli:build).\n`);
    return build.exitCode;
  }
  // npm ci links no command whose file is not there yet; from now on `npx osforge` works.
  if (!existsSync(join(BIN, 'osforge')))
    await run(['npm', 'rebuild', '@osforge/cli', '--loglevel=error'], 'hidden', env);
  return 0;
}

/**
 * The same job as `npx nx run cli:build-image`. The command line is started here and not by Nx, so that it owns the
 * terminal, its stdout carries nothing else, and Ctrl-C reaches it exactly once.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
async function start(args) {
  const built = await buildCommand();
  if (built !== 0) return built;
  const { exitCode } = await runProgram(['node', MAIN, 'build-image', ...args], {
    cwd: ROOT,
    env: withWorkspaceBin(process.env, BIN),
    output: 'terminal',
    ownSession: true,
  });
  return exitCode;
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
async function test(args) {
  // Two at a time: a vitest on a machine of two cores runs one worker, and half of the tests wait for QEMU. Whole
  // builds (e2e) run alone: nx.json says so.
  /** @type {[string, ...string[]]} */
  const command = ['nx', 'run-many', '-t', 'test', 'e2e', '--parallel=2', '--output-style=stream', ...args];
  const { exitCode } = await runProgram(command, {
    cwd: ROOT,
    env: withWorkspaceBin(process.env, BIN),
    output: 'terminal',
    ownSession: true,
  });
  return exitCode;
}

/**
 * A step of the set-up itself; a signal during it ends everything.
 *
 * @param {[string, ...string[]]} command
 * @param {'stderr' | 'hidden'} output
 * @param {NodeJS.ProcessEnv} env
 */
async function run(command, output, env) {
  const finished = await runProgram(command, { cwd: ROOT, env, output });
  if (finished.interrupted !== undefined) {
    say(`osforge set-up: stopped by ${finished.interrupted}. Run the same command again to go on.\n`);
    throw new SetupFailed(128 + constants.signals[finished.interrupted]);
  }
  return finished;
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
