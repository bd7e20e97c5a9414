import { cleanLedger } from '@osforge/checkpoint';
import type { LedgerEntry, LedgerHandlers } from '@osforge/checkpoint';
import { CleanUpTimeoutError, toError } from './errors.ts';
import type { DisposeReason } from './live.ts';
import { failure } from './phase-context.ts';
import type { RunState } from './run-state.ts';

/** Dispose of all live resources, last set first. Returns what went wrong; never throws. */
export async function disposeLive(
  state: RunState,
  reason: DisposeReason,
  timeoutMs: number,
): Promise<readonly Error[]> {
  const entries = state.live.drain();
  if (entries.length === 0) return [];
  const errors: Error[] = [];
  state.publish('cleanup.started', { what: 'live', count: entries.length });
  for (const { name, dispose } of entries) {
    const context = { reason, signal: state.stop.atOnce };
    const problem = await settled(
      Promise.resolve().then(() => dispose(context)),
      `live resource "${name}"`,
      timeoutMs,
      state.stop.atOnce,
    );
    if (problem === undefined) continue;
    errors.push(problem);
    state.publish('cleanup.failed', { what: 'live', resource: name, ...failure(problem) });
  }
  state.publish('cleanup.completed', {
    what: 'live',
    cleaned: entries.length - errors.length,
    failed: errors.length,
  });
  return errors;
}

/**
 * Ledger entries of this run whose phase was not committed, in the order in which they were registered. Those of
 * a phase that is still at work are left out: removing what it uses is not safe.
 */
export function uncommittedEntries(state: RunState): readonly LedgerEntry[] {
  const ids = new Set(
    [...state.registered].flatMap(([phase, entries]) => (state.late.has(phase) ? [] : [...entries])),
  );
  return state.checkpoint.ledger.entries().filter(({ id }) => ids.has(id));
}

/** Remove what the ledger lists, last registered first, and release what is gone. Never throws. */
export async function cleanUp(
  state: RunState,
  entries: readonly LedgerEntry[],
  handlers: LedgerHandlers,
  timeoutMs: number,
): Promise<readonly Error[]> {
  if (entries.length === 0) return [];
  state.publish('cleanup.started', { what: 'ledger', count: entries.length });
  const errors: Error[] = [];
  const problem = (entry: LedgerEntry, error: Error): void => {
    errors.push(error);
    const { resourceType, resourceId } = entry;
    const resource = describe(entry);
    state.publish('cleanup.failed', {
      what: 'ledger',
      resource,
      resourceType,
      resourceId,
      ...failure(error),
    });
  };
  try {
    const report = await cleanLedger(entries, withDeadline(handlers, timeoutMs, state.stop.atOnce), {
      signal: state.stop.atOnce,
      onRemoved: (entry) => state.checkpoint.ledger.release(entry.id),
    });
    for (const { entry, error } of report.failed) problem(entry, toError(error));
    for (const entry of report.unknown) {
      problem(entry, new Error(`nothing knows how to remove ${describe(entry)}`));
    }
    for (const { entry, by } of report.blocked) {
      problem(
        entry,
        new Error(`${describe(entry)} is kept, because ${describe(by)} inside it could not be removed`),
      );
    }
  } catch (error) {
    // The record could not be written, or the run ends at once: what is left stays in the ledger.
    errors.push(toError(error));
    state.publish('cleanup.failed', { what: 'ledger', resource: 'the ledger', ...failure(toError(error)) });
  }
  state.publish('cleanup.completed', {
    what: 'ledger',
    cleaned: Math.max(0, entries.length - errors.length),
    failed: errors.length,
  });
  return errors;
}

function describe(entry: LedgerEntry): string {
  return `${entry.resourceType} ${entry.resourceId}`;
}

function withDeadline(handlers: LedgerHandlers, timeoutMs: number, atOnce: AbortSignal): LedgerHandlers {
  return Object.fromEntries(
    Object.entries(handlers).map(([type, handler]) => [
      type,
      async (entry: LedgerEntry) => {
        const work = Promise.resolve().then(() => handler(entry));
        const error = await settled(work, describe(entry), timeoutMs, atOnce);
        if (error !== undefined) throw error;
        atOnce.throwIfAborted();
      },
    ]),
  );
}

/** Wait for `work`, at most until the deadline or until nothing is waited for; what it threw is returned. */
async function settled(
  work: Promise<void>,
  what: string,
  timeoutMs: number,
  atOnce: AbortSignal,
): Promise<Error | undefined> {
  const outcome = work.then(() => undefined, toError);
  if (atOnce.aborted) return undefined;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const ended = new Promise<Error | undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(new CleanUpTimeoutError(what, timeoutMs));
    }, timeoutMs);
    onAbort = () => {
      resolve(undefined);
    };
    atOnce.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([outcome, ended]);
  } finally {
    clearTimeout(timer);
    atOnce.removeEventListener('abort', onAbort);
  }
}
