import { readFileSync, readlinkSync } from 'node:fs';

/** Names one process for all time: process ids are used again, also after the machine was started anew. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks between the start of the machine and of the process (proc(5), `stat`, field 22). */
  startTimeTicks: string;
  /** `/proc/sys/kernel/random/boot_id`. */
  bootId: string;
  /** The process namespace in which `pid` counts, such as `pid:[4026531836]`. */
  pidNamespace: string;
}

function readStat(pid: number): { state: string; startTimeTicks: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name stands in parentheses and may contain blanks and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTimeTicks] = [fields[0], fields[19]];
    return state === undefined || startTimeTicks === undefined ? undefined : { state, startTimeTicks };
  } catch {
    return undefined;
  }
}

function place(): { bootId: string; pidNamespace: string } {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
  };
}

/**
 * The identity of a process; undefined if there is no such process, or it has ended and was not yet waited
 * for. Default: this process. Plain data, fit for JSON. Needs Linux's /proc; throws the system's error without.
 */
export function processIdentity(pid: number = process.pid): ProcessIdentity | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  return { pid, startTimeTicks: stat.startTimeTicks, ...place() };
}

/**
 * Whether the process of this identity runs. `unknown` if the identity comes from another process namespace of
 * the same start of the machine (another container), from where it cannot be seen.
 */
export function processLiveness(identity: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  const here = place();
  if (identity.bootId !== here.bootId) return 'dead';
  if (identity.pidNamespace !== here.pidNamespace) return 'unknown';
  return processIdentity(identity.pid)?.startTimeTicks === identity.startTimeTicks ? 'alive' : 'dead';
}

/** True unless the process is known to be dead: the careful answer for a lock. */
export function isAlive(identity: ProcessIdentity): boolean {
  return processLiveness(identity) !== 'dead';
}
