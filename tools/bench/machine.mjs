import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** How a tool tells its version; the rest answer to `--version`. @type {Record<string, string>} */
const VERSION_FLAG = { 'mkfs.ext4': '-V', sgdisk: '-V', xorriso: '-version' };

/** Programs that the benches of a package run, be it for us or for the peer. @type {Record<string, string[]>} */
const TOOLS = {
  flush: ['sha256sum', 'dd'],
  process: ['sh'],
  'disk-image': ['sha256sum', 'cp', 'tar', 'mkfs.ext4'],
  'vm-events': ['qemu-system-x86_64'],
  hypervisor: ['qemu-system-x86_64'],
  'image-builder': ['qemu-system-x86_64', 'qemu-img', 'mmdebstrap', 'mkfs.ext4', 'sgdisk', 'xorriso'],
  perf: ['promtool'],
};

export const load = () => Math.round((loadavg()[0] ?? 0) * 100) / 100;

/**
 * @param {number} loadStart
 * @returns {import('./result.mjs').Machine}
 */
export function thisMachine(loadStart) {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    kernel: release(),
    loadStart,
    loadEnd: load(),
  };
}

/**
 * @param {string} packageName such as `flush`
 * @returns {Record<string, string>} of Node and of the tools that are installed
 */
export function versionsFor(packageName) {
  /** @type {Record<string, string>} */
  const versions = { node: process.versions.node };
  for (const tool of TOOLS[packageName] ?? []) {
    const version = firstVersion(tool, VERSION_FLAG[tool] ?? '--version');
    if (version !== undefined) versions[tool] = version;
  }
  return versions;
}

/**
 * @param {string} tool
 * @param {string} flag
 * @returns {string | undefined}
 */
function firstVersion(tool, flag) {
  try {
    // Some tell it on the one output, some on the other.
    const text = execFileSync('sh', ['-c', '"$1" "$2" 2>&1', 'sh', tool, flag], { encoding: 'utf8' });
    return /\d+\.\d+[\w.+~-]*/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

/** @returns {string} */
export function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
