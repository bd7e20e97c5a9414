import { codeOf } from '../errors/error-chain.ts';

/** What the commands that open images of any kind have in common. */
export interface DiskSizeFlags {
  /** Most bytes of the disk in an image. */
  readonly maxDiskSize?: number;
}

/** An image that holds a larger disk than is allowed. */
class DiskSizeLimitError extends Error {
  readonly code = 'CLI_DISK_SIZE_LIMIT';
  override readonly name = 'DiskSizeLimitError';
}

/** The options of disk-image. For people it is one limit, whether the image claims the size or expands to it. */
export function diskSizeLimits({ maxDiskSize }: DiskSizeFlags): {
  maxDiskBytes?: number;
  maxExpandedBytes?: number;
} {
  return maxDiskSize === undefined ? {} : { maxDiskBytes: maxDiskSize, maxExpandedBytes: maxDiskSize };
}

/** A message with the flag in place of the options, which nobody can give on a command line. */
export function withFlag(message: string): string {
  return message.replace(/\braise max(?:Disk|Expanded)Bytes\b/, 'raise --max-disk-size');
}

/** @throws DiskSizeLimitError where the work says that a limit was reached */
export async function withinDiskSize<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) !== 'DISK_IMAGE_LIMIT' || !(error instanceof Error)) throw error;
    throw new DiskSizeLimitError(withFlag(error.message), { cause: error });
  }
}
