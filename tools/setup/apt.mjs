/**
 * How to become root for apt-get.
 * @typedef {'root' | 'sudo' | 'sudo-asks' | 'none'} Elevation
 */

/** Seconds that apt-get waits for another package manager (unattended-upgrades after boot, say) to finish. */
const LOCK_TIMEOUT_SECONDS = 120;

/**
 * @param {{ uid: number, sudo: 'missing' | 'passwordless' | 'asks', terminal: boolean }} machine
 * @returns {Elevation}
 */
export function chooseElevation({ uid, sudo, terminal }) {
  if (uid === 0) return 'root';
  if (sudo === 'passwordless') return 'sudo';
  if (sudo === 'asks' && terminal) return 'sudo-asks';
  return 'none';
}

/**
 * @param {Elevation} elevation
 * @param {readonly string[]} args of apt-get
 * @returns {[string, ...string[]]} program and arguments
 */
export function aptCommand(elevation, args) {
  // LC_ALL: explainAptFailure reads English. `env` because sudo drops the caller's variables.
  /** @type {[string, ...string[]]} */
  const command = [
    'env',
    'LC_ALL=C',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`,
    ...args,
  ];
  if (elevation === 'sudo') return ['sudo', '-n', ...command];
  if (elevation === 'sudo-asks') return ['sudo', ...command];
  return command;
}

/** Units that their packages start at once and at each boot; the tests run these programs themselves. */
const SERVICES = new Map([['prometheus', 'prometheus.service']]);

/**
 * A service that nobody asked for must not listen on the machine: its unit is masked before the package is unpacked.
 * Who wants it: `systemctl unmask --now NAME`. A unit that was configured in /etc before is left as it is.
 *
 * @param {string} unit
 * @returns {[string, string]} arguments of apt-get
 */
function keepFromStarting(unit) {
  const path = `/etc/systemd/system/${unit}`;
  const mask = `mkdir -p /etc/systemd/system && { test -e ${path} || test -L ${path} || ln -s /dev/null ${path}; }`;
  return ['-o', `DPkg::Pre-Invoke::=${mask}`];
}

/**
 * @param {readonly string[]} names
 * @returns {string[]} arguments of apt-get
 */
export function installArguments(names) {
  const masks = names.flatMap((name) => {
    const unit = SERVICES.get(name);
    return unit === undefined ? [] : keepFromStarting(unit);
  });
  return ['install', '--yes', '--no-install-recommends', ...masks, ...names];
}

/**
 * The one line a user without root hands to whoever has it.
 *
 * @param {readonly string[]} names
 * @returns {string} for a shell
 */
export function installLine(names) {
  return ['apt-get', ...installArguments(names)].map(quote).join(' ');
}

/**
 * @param {string} argument without a single quote
 * @returns {string}
 */
function quote(argument) {
  return /^[\w.,:+/-]+$/.test(argument) ? argument : `'${argument}'`;
}

/**
 * @typedef {{ kind: 'locked' | 'stale-lists' | 'offline' | 'no-space' | 'unknown-package' | 'sudo' | 'other', advice: string }} AptFailure
 */

/** @type {readonly [RegExp, AptFailure['kind'], string][]} first match wins */
const FAILURES = [
  [
    /sudo: .*(password|terminal)|is not in the sudoers|not allowed to execute/,
    'sudo',
    'sudo refused. Run the line below as root.',
  ],
  [
    /Could not get lock|Unable to acquire the dpkg frontend lock|is another process using it/,
    'locked',
    'Another package manager is running and did not finish in time. Wait for it, then run this again.',
  ],
  [
    /No space left on device|You don't have enough free space/,
    'no-space',
    'The disk is full. Free some space, then run this again.',
  ],
  [
    /Temporary failure resolving|Could not resolve|Could not connect|Network is unreachable|Connection timed out|Unable to connect/,
    'offline',
    'The Debian mirror cannot be reached. Check the network and the proxy settings of apt, then run this again.',
  ],
  [
    /404 +Not Found|Hash Sum mismatch|Failed to fetch/,
    'stale-lists',
    'The package lists do not fit the mirror. Run `apt-get update`, then run this again.',
  ],
  [
    /Unable to locate package|has no installation candidate/,
    'unknown-package',
    'The configured package sources do not have it. osforge is made for Debian 12 with its main section.',
  ],
];

/**
 * @param {string} output what apt-get wrote, in English
 * @returns {AptFailure}
 */
export function explainAptFailure(output) {
  for (const [pattern, kind, advice] of FAILURES) if (pattern.test(output)) return { kind, advice };
  return { kind: 'other', advice: 'Its output above says why. Mend that, then run this again.' };
}

/**
 * @param {AptFailure} failure
 * @returns {boolean} whether fresh package lists may cure it
 */
export function mayBeCuredByUpdate(failure) {
  return failure.kind === 'stale-lists' || failure.kind === 'unknown-package';
}
