import type { LedgerEntry, LedgerHandlers } from '@osforge/checkpoint';
import { LEDGER_PHASE_KEY } from '@osforge/pipeline';
import { ffuFolder } from '../capture/ffu-work.ts';
import { ledgerHandlers } from './ledger-handlers.ts';
import type { BuildLayout } from './layout.ts';
import { removeTree } from './remove-tree.ts';

/**
 * Removes what a phase that failed has in the ledger, for a user who wants its intermediate files gone. Of a capture the
 * FFU that it has begun goes with them. That is in no ledger, as the next run would go on with it, and may be the very
 * file that has filled the disk.
 */
export function failureHandlers({
  directory,
  work,
}: Pick<BuildLayout, 'directory' | 'work'>): LedgerHandlers {
  return Object.fromEntries(
    Object.entries(ledgerHandlers(directory)).map(([type, remove]) => [
      type,
      async (entry: LedgerEntry) => {
        if (entry.data?.[LEDGER_PHASE_KEY] === 'capture') await removeTree(ffuFolder(work));
        await remove(entry);
      },
    ]),
  );
}
