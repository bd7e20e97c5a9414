import { access } from 'node:fs/promises';
import path from 'node:path';
import { runLedger, type Checkpoint, type LedgerEntry, type LedgerHandlers } from '@osforge/checkpoint';
import type { EventBus } from '@osforge/event-bus';
import { removeStaleTemps } from '@osforge/flush';
import type { BuildEvents } from './events.ts';

/**
 * Removes what the ledger lists: before a run, what an earlier one left because it was killed; after a completed one,
 * what it needed only while it ran. Files that were cut while they were written have names of their own instead.
 * What cannot be removed is told as `cleanup.failed` and stays in the ledger, for the next run or `builds clean`.
 */
export async function removeLeftovers(
  checkpoint: Checkpoint,
  handlers: LedgerHandlers,
  directory: string,
  bus: EventBus<BuildEvents>,
): Promise<void> {
  await removeStaleTemps(directory);
  if (checkpoint.ledger.entries().length === 0) return;
  await keepArtifacts(checkpoint, directory);
  const { failed, unknown, blocked } = await runLedger(checkpoint, handlers);
  const tell = ({ resourceType, resourceId }: LedgerEntry, message: string, code?: string): void => {
    bus.publish('build', 'cleanup.failed', {
      what: 'ledger',
      resource: `${resourceType} ${resourceId}`,
      resourceType,
      resourceId,
      message,
      ...(code === undefined ? {} : { code }),
    });
  };
  for (const { entry, error } of failed) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    tell(
      entry,
      error instanceof Error ? error.message : String(error),
      typeof code === 'string' ? code : undefined,
    );
  }
  for (const entry of unknown)
    tell(entry, `this version does not know how to remove a ${entry.resourceType}`);
  for (const { entry, by } of blocked)
    tell(entry, `it is kept, because ${by.resourceId} in it could not be removed`);
}

/** An entry that could not be removed once may be the name of an artifact by now: then it is no leftover any more. */
async function keepArtifacts(checkpoint: Checkpoint, directory: string): Promise<void> {
  const artifacts = new Set(
    Object.values(checkpoint.record.phases).flatMap((phase) =>
      phase.artifacts
        .filter(({ released }) => released !== true)
        .map((artifact) => path.resolve(directory, artifact.path)),
    ),
  );
  for (const { id, resourceId } of checkpoint.ledger.entries())
    if (artifacts.has(resourceId)) await checkpoint.ledger.release(id);
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
