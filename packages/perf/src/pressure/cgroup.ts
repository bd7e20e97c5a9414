import { readFileSync, watch } from 'node:fs';
import { join, posix } from 'node:path';

/** Memory of a control group that cannot be given back at once, and what it may use. */
export interface CgroupMemory {
  /** Usage without the page cache that nobody uses (`inactive_file`), which the kernel drops before it kills. */
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** Reads a small file as text; undefined when there is none. */
export type ReadText = (path: string) => string | undefined;

const root = '/sys/fs/cgroup';
/** Version 1 writes "no limit" as the largest number of pages. */
const unlimitedBytes = 2 ** 60;

/** Files of the kernel, in memory: reading them takes microseconds, less than to wait for a thread. */
export const readKernelFile: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Where the kernel tells of this process's memory. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  /** From its own group up to the topmost. */
  readonly folders: readonly string[];
}

/** Finds the control group of this process in `/proc/self/cgroup`; undefined without one that counts memory. */
export function findCgroup(read: ReadText = readKernelFile): CgroupPlace | undefined {
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [id, controllers, ...rest] = line.split(':');
    const group = rest.join(':');
    if (controllers?.split(',').includes('memory') === true)
      return { version: 1, folders: upwards(group).map((path) => join(root, 'memory', path)) };
    // On a machine with both versions the second is there, too, without memory.
    if (id === '0' && controllers === '' && read(join(root, 'cgroup.controllers')) !== undefined)
      return { version: 2, folders: upwards(group).map((path) => join(root, path)) };
  }
  return undefined;
}

/**
 * The group, its own or one above, that is closest to its limit. Sources: kernel documentation `cgroup-v2` (`memory.max`,
 * `memory.high`, `memory.current`, `memory.stat`) and `cgroup-v1/memory`.
 *
 * @returns undefined when no group has a limit
 */
export function readCgroupMemory(
  place: CgroupPlace,
  read: ReadText = readKernelFile,
): CgroupMemory | undefined {
  const [currentFile, limitFiles, inactive] =
    place.version === 2
      ? (['memory.current', ['memory.max', 'memory.high'], 'inactive_file'] as const)
      : (['memory.usage_in_bytes', ['memory.limit_in_bytes'], 'total_inactive_file'] as const);
  let tightest: CgroupMemory | undefined;
  for (const folder of place.folders) {
    const limits = limitFiles
      .map((name) => bytes(read(join(folder, name))))
      .filter((limit) => limit !== undefined && limit < unlimitedBytes && limit > 0);
    const current = limits.length === 0 ? undefined : bytes(read(join(folder, currentFile)));
    if (current === undefined) continue;
    const cache = statOf(read(join(folder, 'memory.stat')), inactive);
    const usedBytes = Math.max(0, current - cache);
    const limitBytes = Math.min(...limits.map((limit) => limit ?? Infinity));
    if (tightest === undefined || usedBytes / limitBytes > tightest.usedBytes / tightest.limitBytes)
      tightest = { usedBytes, limitBytes };
  }
  return tightest;
}

/**
 * Calls back when the kernel reports that the group reached `memory.high` or `memory.max` (version 2; it notifies
 * watchers of `memory.events`). Returns the function that ends it; does nothing where there is no such file.
 */
export function watchCgroupEvents(place: CgroupPlace, onEvent: () => void): () => void {
  const [folder] = place.folders;
  if (place.version !== 2 || folder === undefined) return () => {};
  try {
    const watcher = watch(join(folder, 'memory.events'), { persistent: false }, onEvent);
    // A group that is removed ends the watch; the readings go on.
    watcher.on('error', () => {
      watcher.close();
    });
    return () => {
      watcher.close();
    };
  } catch {
    return () => {};
  }
}

function upwards(path: string): string[] {
  const folders: string[] = [];
  for (let folder = posix.normalize(path); ; folder = posix.dirname(folder)) {
    folders.push(folder);
    if (folder === '/' || folder === '.') return folders;
  }
}

function bytes(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || NaN);
  return Number.isFinite(value) ? value : undefined;
}

function statOf(text: string | undefined, name: string): number {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return bytes(line?.slice(name.length + 1)) ?? 0;
}
