import { readFileSync } from 'node:fs';

import type { ContainmentMechanism } from '../containment/contain.ts';

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // ESRCH: it has already ended. EPERM: it has changed its user; nothing more can be done.
    return false;
  }
}

/** The oldest child of a process (which has one thread); undefined if it has none. */
function childOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0];
    return first === undefined || first === '' ? undefined : Number(first);
  } catch {
    return undefined;
  }
}

/** The program itself, below the processes that contain it; undefined if it does not run (yet, or any more). */
function programPid(pid: number, mechanism: ContainmentMechanism): number | undefined {
  switch (mechanism) {
    case 'none':
    case 'parent-death-signal':
      return pid;
    case 'reaper':
      return childOf(pid);
    case 'pid-namespace':
    case 'user-pid-namespace':
      return childOf(childOf(pid));
  }
}

/** Sends a signal to a contained program; in a tree, SIGTERM and SIGINT go to its process group. */
export function signalContained(
  pid: number,
  mechanism: ContainmentMechanism,
  signal: NodeJS.Signals,
): boolean {
  if (signal === 'SIGKILL') return killContained(pid, mechanism);
  const tree = mechanism !== 'none' && mechanism !== 'parent-death-signal';
  if (tree && (signal === 'SIGTERM' || signal === 'SIGINT')) return send(-pid, signal);
  const program = programPid(pid, mechanism);
  return program !== undefined && send(program, signal);
}

/** Kills a contained program with all that its containment covers. */
function killContained(pid: number, mechanism: ContainmentMechanism): boolean {
  switch (mechanism) {
    case 'none':
    case 'parent-death-signal':
      return send(pid, 'SIGKILL');
    case 'reaper':
      // The reaper must live until it has killed the rest; this tells it to.
      return send(pid, 'SIGUSR1');
    case 'pid-namespace':
    case 'user-pid-namespace':
      // The namespace's first process becomes waitable only when the whole namespace is dead, and `unshare`
      // ends after that: so the exit that we see means that nothing is left.
      return send(childOf(pid) ?? pid, 'SIGKILL');
  }
}
