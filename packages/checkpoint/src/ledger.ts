import { randomUUID } from 'node:crypto';
import type { JsonObject } from './json-value.ts';
import type { BuildRecord, LedgerEntry } from './record.ts';

/** What must be removed when the build ends or was killed. */
export interface Ledger {
  /**
   * Call it **before** the resource is made: when it resolves, the entry is durable. A resource that is already
   * listed keeps its entry and place, and takes the new `data`. Throws what `update` throws; then do not make
   * the resource.
   */
  register(resourceType: string, resourceId: string, data?: JsonObject): Promise<LedgerEntry>;
  /** Call it **after** the resource is gone. An id that is not listed is no error. */
  release(entryId: string): Promise<void>;
  /** In the order of registration. */
  entries(): readonly LedgerEntry[];
}

export function createLedger(options: {
  update: (change: (record: BuildRecord) => BuildRecord) => Promise<void>;
  record: () => BuildRecord;
  now: () => Date;
}): Ledger {
  const { update, record, now } = options;
  return {
    async register(resourceType, resourceId, data) {
      // Made once, outside of `change`, so that the entry that is returned is the one that was written.
      let entry: LedgerEntry = {
        id: randomUUID(),
        resourceType,
        resourceId,
        ...(data === undefined ? {} : { data }),
        registeredAt: now().toISOString(),
      };
      await update((current) => {
        const index = current.ledger.findIndex(
          (known) => known.resourceType === resourceType && known.resourceId === resourceId,
        );
        const known = current.ledger[index];
        if (known === undefined) return { ...current, ledger: [...current.ledger, entry] };
        entry = { ...known, ...(data === undefined ? {} : { data }) };
        return { ...current, ledger: current.ledger.with(index, entry) };
      });
      return entry;
    },
    async release(entryId) {
      if (!record().ledger.some((entry) => entry.id === entryId)) return;
      await update((current) => ({
        ...current,
        ledger: current.ledger.filter((entry) => entry.id !== entryId),
      }));
    },
    entries: () => record().ledger,
  };
}
