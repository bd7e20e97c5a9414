import path from 'node:path';
import { tmpdir } from 'node:os';
import type { LedgerEntry, LedgerHandlers } from '@osforge/checkpoint';
import { removeTree } from './remove-tree.ts';

/** A ledger names a path that no build made; nothing is removed. */
export class LedgerPathError extends Error {
  readonly code = 'LEDGER_PATH';
  readonly path: string;
  constructor(place: string) {
    super(
      `${place} is neither in the build's folder nor a temporary folder of a build machine: it is left alone`,
    );
    this.name = 'LedgerPathError';
    this.path = place;
  }
}

/** True for what builds make: below the build's own folder, or a build machine's private temporary folder. */
function isOwn(place: string, directory: string): boolean {
  if (!path.isAbsolute(place) || path.normalize(place) !== place) return false;
  if (place.startsWith(`${directory}${path.sep}`)) return true;
  return path.dirname(place) === tmpdir() && path.basename(place).startsWith('osforge-vm-');
}

/** Removes what a ledger lists. A record is a file that somebody may have edited: its paths are not trusted. */
export function ledgerHandlers(directory: string): LedgerHandlers {
  const remove = async ({ resourceId }: LedgerEntry): Promise<void> => {
    if (!isOwn(resourceId, directory)) throw new LedgerPathError(resourceId);
    await removeTree(resourceId);
  };
  return { file: remove, 'directory-tree': remove };
}
