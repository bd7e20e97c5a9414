import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import process from 'node:process';

/**
 * The status of Debian packages, all in one call.
 *
 * @param {readonly string[]} names
 * @returns {string | undefined} lines of `STATUS NAME`; undefined when this is no Debian
 */
export function queryPackages(names) {
  // Exit code 1 only means that some are unknown: those have no line.
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n', ...names], {
    encoding: 'utf8',
  });
  return query.error === undefined ? query.stdout : undefined;
}

/** @returns {Parameters<typeof import('./apt.mjs').chooseElevation>[0]} */
export function inspectPrivileges() {
  const uid = process.getuid?.() ?? -1;
  if (uid === 0) return { uid, sudo: 'missing', terminal: false };
  const probe = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  return {
    uid,
    sudo: probe.error !== undefined ? 'missing' : probe.status === 0 ? 'passwordless' : 'asks',
    terminal: process.stdin.isTTY && process.stderr.isTTY && process.env['CI'] === undefined,
  };
}

/**
 * The environment for npm: without the workspace's own Node on the path, which `npm ci` takes away while it runs.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withoutWorkspaceBin(env) {
  const path = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith('/node_modules/.bin'))
    .join(delimiter);
  return { ...env, PATH: path };
}

/**
 * The environment for Nx and all it starts: Node 24 first, no process left behind.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} binFolder the workspace's node_modules/.bin
 * @returns {NodeJS.ProcessEnv}
 */
export function withWorkspaceBin(env, binFolder) {
  const path = withoutWorkspaceBin(env)['PATH'] ?? '';
  return { ...env, PATH: binFolder + delimiter + path, NX_DAEMON: 'false' };
}
