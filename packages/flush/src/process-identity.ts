import { readFileSync } from 'node:fs';
import { errnoOf } from './classify-error.ts';

/** A process that a later one with the same number is not mistaken for. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks from boot to the start of the process (field 22 of `/proc/<pid>/stat`); 0 if unknown. */
  start: number;
}

let own: ProcessIdentity | undefined;

/** This process. The number is taken from `/proc`, as whoever looks it up later will look there too. */
export function readProcessIdentity(): ProcessIdentity {
  own ??= readStat('self') ?? { pid: process.pid, start: 0 };
  return own;
}

/** Whether that very process still runs; a process of another PID namespace counts as ended. */
export function isAlive(owner: ProcessIdentity): boolean {
  if (owner.start !== 0) return readStat(String(owner.pid))?.start === owner.start;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

function readStat(pid: string): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // no such process, or no /proc
  }
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has already let go of its files.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const start = Number(fields[19]);
  return Number.isFinite(start) ? { pid: Number.parseInt(stat, 10), start } : undefined;
}
