import type { VerifyCheck } from '@osforge/disk-image';

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

/** Blocks of an FFU as programs make them; one of a compressed file takes 16 bytes of memory while it is read. */
const ffuBlockBytes = 131_072;
const ffuEntryBytes = 16;
/** What disk-image allows by itself. */
const leastTableBytes = 32 * 1024 * 1024;

/** The options of disk-image. For people it is one limit, whatever an image claims the size by. */
export function diskSizeLimits({ maxDiskSize }: DiskSizeFlags): {
  maxDiskBytes?: number;
  maxExpandedBytes?: number;
  maxTableBytes?: number;
} {
  if (maxDiskSize === undefined) return {};
  const tableBytes = Math.ceil(maxDiskSize / ffuBlockBytes) * ffuEntryBytes;
  return {
    maxDiskBytes: maxDiskSize,
    maxExpandedBytes: maxDiskSize,
    maxTableBytes: Math.max(leastTableBytes, tableBytes),
  };
}

/** A check with the flag in place of the option, which nobody can give on a command line. */
export function withFlag({ limit, ...check }: VerifyCheck): VerifyCheck {
  if (limit === undefined) return check;
  return { ...check, detail: check.detail.replace(`raise ${limit} `, 'raise --max-disk-size ') };
}

/** @throws DiskSizeLimitError where the work says that a limit was reached */
export async function withinDiskSize<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { FfuLimitError, ImageLimitError } = await import('@osforge/disk-image');
    const isTable = error instanceof FfuLimitError && error.limit === 'maxTableBytes';
    if (!isTable && !(error instanceof ImageLimitError)) throw error;
    throw new DiskSizeLimitError(`${error.detail}: raise --max-disk-size if the image is trusted`, {
      cause: error,
    });
  }
}
