import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TargetProblem } from '../errors.ts';
import type { SysfsBlock } from './identity.ts';
import { namesIn, readAttribute, type SystemPaths } from './system-paths.ts';

/** Mount points without which the system does not run or start. */
const systemMounts = new Set([
  '/',
  '/boot',
  '/boot/efi',
  '/boot/firmware',
  '/efi',
  '/usr',
  '/var',
  '/home',
  '/nix',
]);

/** A line of /proc/self/mountinfo (proc(5)). */
interface Mount {
  readonly deviceNumber: string;
  readonly mountPoint: string;
  readonly source: string;
}

/** Undoes the octal escapes of mountinfo and swaps. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

async function readMounts(paths: SystemPaths): Promise<Mount[]> {
  const text = (await readAttribute(paths.proc, 'self/mountinfo')) ?? '';
  return text.split('\n').map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const fields = before.split(' ');
    return {
      deviceNumber: fields[2] ?? '',
      mountPoint: unescape(fields[4] ?? ''),
      source: unescape(after.split(' ')[1] ?? ''),
    };
  });
}

async function readSwaps(paths: SystemPaths): Promise<string[]> {
  const text = (await readAttribute(paths.proc, 'swaps')) ?? '';
  return text
    .split('\n')
    .slice(1)
    .map((line) => unescape(line.split(/\s/)[0] ?? ''));
}

/** The disk, its partitions, and whatever device-mapper or md has built on them, as folders of sysfs. */
async function everythingOn(
  folder: string,
  paths: SystemPaths,
): Promise<{ folder: string; held: boolean }[]> {
  const found: { folder: string; held: boolean }[] = [];
  const visit = async (at: string, held: boolean): Promise<void> => {
    if (found.some((other) => other.folder === at)) return;
    found.push({ folder: at, held });
    for (const name of await namesIn(at)) {
      if ((await readAttribute(at, name, 'partition')) !== undefined) await visit(join(at, name), held);
    }
    for (const holder of await namesIn(at, 'holders')) {
      try {
        await visit(await realpath(join(paths.sys, 'class/block', holder)), true);
      } catch {
        found.push({ folder: join(at, 'holders', holder), held: true });
      }
    }
  };
  await visit(folder, false);
  return found;
}

/** Who uses a disk (or a partition of it, or what is built on them). The kernel's O_EXCL catches what this does not see. */
export async function usesOf(block: SysfsBlock, paths: SystemPaths): Promise<TargetProblem[]> {
  const [mounts, swaps] = [await readMounts(paths), await readSwaps(paths)];
  const problems: TargetProblem[] = [];
  for (const { folder, held } of await everythingOn(block.folder, paths)) {
    const name = basename(folder);
    const number = await readAttribute(folder, 'dev');
    const devicePath = join(paths.dev, name);
    if (held)
      problems.push({ kind: 'held', detail: `${name} is built on it (device-mapper, md or the like)` });
    for (const { deviceNumber, mountPoint, source } of mounts) {
      // btrfs shows an anonymous number, but its source.
      if (deviceNumber !== number && source !== devicePath) continue;
      const kind = systemMounts.has(mountPoint) ? 'system' : 'mounted';
      problems.push({ kind, detail: `${name} is mounted on ${mountPoint}` });
    }
    if (swaps.includes(devicePath)) problems.push({ kind: 'swap', detail: `${name} is swap space` });
  }
  return problems;
}

/** The loop devices that a file is behind: to write to it would change a disk under its user. */
export async function loopsOn(path: string, paths: SystemPaths): Promise<TargetProblem[]> {
  const problems: TargetProblem[] = [];
  for (const name of await namesIn(paths.sys, 'block')) {
    if (!name.startsWith('loop')) continue;
    if ((await readAttribute(paths.sys, 'block', name, 'loop/backing_file')) === path)
      problems.push({ kind: 'backing-file', detail: `${join(paths.dev, name)} is attached to it` });
  }
  if ((await readSwaps(paths)).includes(path)) problems.push({ kind: 'swap', detail: 'it is swap space' });
  return problems;
}
