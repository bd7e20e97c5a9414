import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import type { LedgerEntry, LedgerHandlers } from '@osforge/checkpoint';
import { removeTree } from './remove-tree.ts';

/** A record names a path that no build made; nothing is removed. */
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
  if (isBelow(place, directory)) return true;
  return path.dirname(place) === path.resolve(tmpdir()) && path.basename(place).startsWith('osforge-vm-');
}

/**
 * Refuses a place that no build made: a record is a file that somebody may have edited, so its paths are not trusted,
 * nor are links in the build's folder that lead out of it.
 * @throws LedgerPathError
 */
export async function assertOwn(place: string, directory: string): Promise<void> {
  if (!isOwn(place, directory)) throw new LedgerPathError(place);
  if (!isBelow(place, directory)) return;
  const [folder, parent] = await Promise.all([realOrAbsent(directory), realOrAbsent(path.dirname(place))]);
  // Where its folder is absent there is nothing to remove.
  if (folder === undefined || parent === undefined) return;
  if (parent !== folder && !isBelow(parent, folder)) throw new LedgerPathError(place);
}

function isBelow(place: string, folder: string): boolean {
  return place.startsWith(`${folder}${path.sep}`);
}

async function realOrAbsent(place: string): Promise<string | undefined> {
  return realpath(place).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Removes what a ledger lists, of this build only. */
export function ledgerHandlers(directory: string): LedgerHandlers {
  const remove = async ({ resourceId }: LedgerEntry): Promise<void> => {
    await assertOwn(resourceId, directory);
    await removeTree(resourceId);
  };
  return { file: remove, 'directory-tree': remove };
}
