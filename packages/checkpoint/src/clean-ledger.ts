import type { Checkpoint } from './checkpoint.ts';
import type { LedgerEntry } from './record.ts';

/**
 * Removes one resource. It must also succeed where the resource was never made or is already gone: a handler
 * may run again after a crash. An error with the code ENOENT counts as success.
 */
export type LedgerHandler = (entry: LedgerEntry) => void | Promise<void>;

export type LedgerHandlers = Readonly<Record<string, LedgerHandler>>;

export interface CleanReport {
  /** In the order in which they were removed. */
  readonly cleaned: readonly LedgerEntry[];
  /** The handler found nothing to remove. */
  readonly absent: readonly LedgerEntry[];
  /** No handler knows the type. */
  readonly unknown: readonly LedgerEntry[];
  readonly failed: readonly { readonly entry: LedgerEntry; readonly error: unknown }[];
  /** Left alone, because something inside it (by path) could not be removed. */
  readonly blocked: readonly { readonly entry: LedgerEntry; readonly by: LedgerEntry }[];
}

export interface CleanLedgerOptions {
  /** No further handler is started once it is aborted; `cleanLedger` then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after an entry is cleaned or found absent; awaited before the next handler starts. */
  readonly onRemoved?: (entry: LedgerEntry) => void | Promise<void>;
}

/**
 * Removes what the entries name, last registered first. A failure does not stop the rest, but nothing is removed
 * that contains what is left: a folder is not deleted while the mount inside it could not be unmounted.
 */
export async function cleanLedger(
  entries: readonly LedgerEntry[],
  handlers: LedgerHandlers,
  options: CleanLedgerOptions = {},
): Promise<CleanReport> {
  const cleaned: LedgerEntry[] = [];
  const absent: LedgerEntry[] = [];
  const unknown: LedgerEntry[] = [];
  const failed: { entry: LedgerEntry; error: unknown }[] = [];
  const blocked: { entry: LedgerEntry; by: LedgerEntry }[] = [];
  const left: LedgerEntry[] = [];
  for (const entry of entries.toReversed()) {
    options.signal?.throwIfAborted();
    const inside = left.find((other) => contains(entry.resourceId, other.resourceId));
    const handler = Object.hasOwn(handlers, entry.resourceType) ? handlers[entry.resourceType] : undefined;
    if (inside !== undefined) {
      blocked.push({ entry, by: inside });
    } else if (handler === undefined) {
      unknown.push(entry);
    } else {
      try {
        await handler(entry);
        cleaned.push(entry);
      } catch (error) {
        if (isAbsent(error)) absent.push(entry);
        else failed.push({ entry, error });
      }
    }
    const removed = cleaned.at(-1) === entry || absent.at(-1) === entry;
    if (removed) await options.onRemoved?.(entry);
    else left.push(entry);
  }
  return { cleaned, absent, unknown, failed, blocked };
}

/** `cleanLedger` for an open build: each entry is released, durably, as soon as its resource is gone. */
export async function runLedger(
  checkpoint: Pick<Checkpoint, 'ledger'>,
  handlers: LedgerHandlers,
  options: CleanLedgerOptions = {},
): Promise<CleanReport> {
  return cleanLedger(checkpoint.ledger.entries(), handlers, {
    ...options,
    onRemoved: async (entry) => {
      await checkpoint.ledger.release(entry.id);
      await options.onRemoved?.(entry);
    },
  });
}

/** Whether `inner` is the same absolute path as `outer`, or lies inside of it. */
function contains(outer: string, inner: string): boolean {
  if (!outer.startsWith('/')) return false;
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
