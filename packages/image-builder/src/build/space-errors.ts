import { DiskFullError } from '@osforge/disk-image';
import type { Phase } from '@osforge/pipeline';
import { ProgramFailedError } from '@osforge/process';

/** What programs write when write(2) has told them that a disk, or a user's share of it, is full. */
const spaceMessage = /no space left on device|disk quota exceeded/i;
/** Codes of errors that already say what is full and what to do. */
const spaceCode = /_(NO_SPACE|DISK_FULL)$/;

/** Whether a line of a program's output tells of a full disk. */
export function tellsOfFullDisk(line: string): boolean {
  return spaceMessage.test(line);
}

/**
 * The error of a full disk for whatever failed because of one, however deep that is in its causes; anything else, and
 * what says so itself, as it is.
 */
export function asSpaceError(error: unknown, directory: string): unknown {
  const place = fullPlace(error, directory);
  return place === undefined ? error : new DiskFullError(place, { cause: error });
}

/** Where a full disk was run into; undefined where nothing in the error tells of one, or it tells by itself. */
function fullPlace(error: unknown, directory: string): string | undefined {
  if (error instanceof ProgramFailedError)
    return error.lastLines.some(tellsOfFullDisk) ? directory : undefined;
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (spaceCode.test(code)) return undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return fullPlace(error.cause, directory);
  const place = 'dest' in error ? error.dest : 'path' in error ? error.path : undefined;
  return typeof place === 'string' ? place : directory;
}

/** The same phases; where one fails because the disk is full, its error says so and where. */
export function withSpaceErrors(directory: string, phases: readonly Phase[]): Phase[] {
  return phases.map((phase) => ({
    ...phase,
    run: async (context) => {
      try {
        return await phase.run(context);
      } catch (error) {
        throw asSpaceError(error, directory);
      }
    },
  }));
}
