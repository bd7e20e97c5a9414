import { DiskFullError } from '@osforge/disk-image';
import type { Phase } from '@osforge/pipeline';
import { ProgramFailedError } from '@osforge/process';

/** What programs write when write(2) has told them that a disk, or a user's share of it, is full. */
const spaceMessage = /no space left on device|disk quota exceeded/i;

/** Whether a line of a program's output tells of a full disk. */
export function tellsOfFullDisk(line: string): boolean {
  return spaceMessage.test(line);
}

/** The error of a full disk for whatever a phase ran into because of one; anything else as it is. */
export function asSpaceError(error: unknown, directory: string): unknown {
  if (error instanceof ProgramFailedError) {
    return error.lastLines.some(tellsOfFullDisk) ? new DiskFullError(directory, { cause: error }) : error;
  }
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error;
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') return error;
  const place = 'dest' in error ? error.dest : 'path' in error ? error.path : undefined;
  return new DiskFullError(typeof place === 'string' ? place : directory, { cause: error });
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
