import type { Checkpoint, JsonObject, LedgerEntry } from '@osforge/checkpoint';

/** The key in `LedgerEntry.data` that says which phase registered the entry. */
export const LEDGER_PHASE_KEY = 'phase';

/** A phase's view of the clean-up ledger. */
export interface PhaseLedger {
  /**
   * Write down a resource before it is made. Resolves when the entry is on the disk. `data.phase` is set to
   * the phase's name.
   */
  register(resourceType: string, resourceId: string, data?: JsonObject): Promise<LedgerEntry>;
  /** The resource is gone, or needs no clean-up any more. */
  release(entryId: string): Promise<void>;
  /** What this phase registered in earlier attempts or runs and never released, oldest first. */
  leftovers(): readonly LedgerEntry[];
}

/** The ledger as `phase` sees it. `assertOpen` throws once the run has stopped waiting for the phase. */
export function phaseLedger(options: {
  readonly checkpoint: Checkpoint;
  readonly phase: string;
  readonly assertOpen: () => void;
  readonly onRegistered: (entryId: string) => void;
}): PhaseLedger {
  const { checkpoint, phase, assertOpen, onRegistered } = options;
  const before = new Set(ofPhase(checkpoint, phase).map(({ id }) => id));
  return {
    register: async (resourceType, resourceId, data) => {
      assertOpen();
      const entry = await checkpoint.ledger.register(resourceType, resourceId, {
        ...data,
        [LEDGER_PHASE_KEY]: phase,
      });
      onRegistered(entry.id);
      return entry;
    },
    release: async (entryId) => {
      assertOpen();
      await checkpoint.ledger.release(entryId);
    },
    leftovers: () => ofPhase(checkpoint, phase).filter(({ id }) => before.has(id)),
  };
}

function ofPhase(checkpoint: Checkpoint, phase: string): readonly LedgerEntry[] {
  return checkpoint.ledger.entries().filter(({ data }) => data?.[LEDGER_PHASE_KEY] === phase);
}
