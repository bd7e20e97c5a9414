import type { ImageDisksError } from '@osforge/disk-image';
import { UsageError } from '../errors/usage-error.ts';

/** What the commands that take one disk out of an image have in common. */
export interface DiskFlags {
  /** Which one, from 1. */
  readonly disk?: number;
}

/**
 * Waits for work that needs one disk of an image.
 * @throws UsageError with what to do, where the image has several and none is named, or none of that number
 */
export async function withItsDisk<T>(
  work: Promise<T>,
  remedy: (error: ImageDisksError) => string,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { ImageDisksError } = await import('@osforge/disk-image');
    if (!(error instanceof ImageDisksError)) throw error;
    const has = error.disks === 1 ? 'has one disk' : `has ${error.disks} disks`;
    throw new UsageError(`${error.path} ${has}: ${remedy(error)}`, { cause: error });
  }
}

/** The remedy of the commands that have the flag. */
export function nameDisk({ disks }: ImageDisksError): string {
  return disks === 1
    ? 'leave --disk out'
    : `give --disk with a number from 1 to ${disks} (osforge inspect lists them)`;
}
