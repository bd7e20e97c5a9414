import { runLedger, type Checkpoint, type LedgerHandlers } from '@osforge/checkpoint';

/** Removes what an earlier run of this build registered and could not remove itself, because it was killed. */
export async function runLeftovers(checkpoint: Checkpoint, handlers: LedgerHandlers): Promise<void> {
  if (checkpoint.ledger.entries().length === 0) return;
  await runLedger(checkpoint, handlers);
}
