import { access } from 'node:fs/promises';
import { runLedger, type Checkpoint, type LedgerHandlers } from '@osforge/checkpoint';
import { removeStaleTemps } from '@osforge/flush';

/**
 * Removes what the ledger lists: before a run, what an earlier one left because it was killed; after a completed one,
 * what it needed only while it ran. Files that were cut while they were written have names of their own instead.
 */
export async function removeLeftovers(
  checkpoint: Checkpoint,
  handlers: LedgerHandlers,
  directory: string,
): Promise<void> {
  await removeStaleTemps(directory);
  if (checkpoint.ledger.entries().length === 0) return;
  await runLedger(checkpoint, handlers);
}

/** Takes entries out of the ledger whose resource is gone already, after a run that failed or was cancelled. */
export async function forgetAbsent(checkpoint: Checkpoint): Promise<void> {
  for (const { id, resourceId } of checkpoint.ledger.entries()) {
    const exists = await access(resourceId).then(
      () => true,
      (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
    );
    if (!exists) await checkpoint.ledger.release(id);
  }
}
