import { constants } from 'node:os';

import type { ContainmentMechanism } from '../containment/contain.ts';
import type { ProcessExit } from '../running-process.ts';

/** What the meaning of an exit code depends on. */
export interface ExitContext {
  mechanism: ContainmentMechanism;
  /** Whether we sent SIGKILL. */
  killed: boolean;
}

/**
 * The program's end, from the end of the process that we hold.
 *
 * A process namespace tells the program's signal as a shell does: exit code 128 + its number. When we killed
 * its first process, `unshare` ends with 1, because it cannot set a handler for SIGKILL to raise it for itself.
 */
export function toExit(code: number | null, signal: string | null, context: ExitContext): ProcessExit {
  const at = performance.now();
  if (code === null || !context.mechanism.endsWith('pid-namespace')) return { code, signal, at };
  if (code === 1 && context.killed) return { code: null, signal: 'SIGKILL', at };
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? { code, signal, at } : { code: null, signal: name, at };
}
