import { readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { checkpointPaths } from './build-id.ts';

/** Who holds the lock of a build: for messages. What excludes others is the lock itself. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601 UTC. */
  readonly since: string;
  /** `unknown`: on another host, in another container, or since another start of this machine. */
  readonly alive: boolean | 'unknown';
}

const ownerSchema = z.object({
  pid: z.int(),
  host: z.string(),
  since: z.string(),
  startTime: z.string(),
  realm: z.string(),
});

/**
 * The owner that is written beside the lock of a build, or `undefined` where there is none. It takes no lock, so
 * it never disturbs a build. An owner that was killed is still found, with `alive: false`.
 */
export async function lockOwner(options: {
  directory: string;
  buildId: string;
}): Promise<LockOwner | undefined> {
  return readOwner(checkpointPaths(options.directory, options.buildId).owner);
}

export async function readOwner(path: string): Promise<LockOwner | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const owner = ownerSchema.safeParse(parseOrUndefined(text));
  if (!owner.success) return undefined;
  const { pid, host, since, startTime, realm } = owner.data;
  const alive = realm === realmOfThisProcess() ? startTimeOf(pid) === startTime : 'unknown';
  return { pid, host, since, alive };
}

/** Only the holder of the lock calls this. A full disk does not stop a build for a message's sake. */
export function writeOwner(path: string, since: Date): void {
  const owner: z.infer<typeof ownerSchema> = {
    pid: process.pid,
    host: hostname(),
    since: since.toISOString(),
    startTime: startTimeOf(process.pid) ?? '',
    realm: realmOfThisProcess(),
  };
  try {
    rmSync(path, { force: true });
    writeFileSync(`${path}.new`, `${JSON.stringify(owner)}\n`);
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
  }
}

export function removeOwner(path: string): void {
  rmSync(path, { force: true });
}

/** A pid is used again; together with the start time (in ticks since boot) it is not. */
function startTimeOf(pid: number): string | undefined {
  const stat = readOrUndefined(`/proc/${pid}/stat`);
  // The command name may hold spaces and parentheses: fields count from the last ")", state being the third.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Where a pid has its meaning: this host, this boot, this pid namespace. */
function realmOfThisProcess(): string {
  const boot = readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // No /proc: the host name alone decides.
  }
  return `${hostname()} ${boot} ${namespace}`;
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
