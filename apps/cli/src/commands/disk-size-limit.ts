import type { ImageLimits, VerifyCheck } from '@osforge/disk-image';

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
/** The limits that one size stands for. */
const ownLimits: ReadonlySet<string> = new Set(['maxDiskBytes', 'maxExpandedBytes', 'maxTableBytes']);

/** The options of disk-image. For people it is one limit, whatever an image claims the size by. */
export async function diskSizeLimits({ maxDiskSize }: DiskSizeFlags): Promise<ImageLimits> {
  if (maxDiskSize === undefined) return {};
  const { defaultMaxTableBytes } = await import('@osforge/disk-image');
  const tableBytes = Math.ceil(maxDiskSize / ffuBlockBytes) * ffuEntryBytes;
  return {
    maxDiskBytes: maxDiskSize,
    maxExpandedBytes: maxDiskSize,
    maxTableBytes: Math.max(defaultMaxTableBytes, tableBytes),
  };
}

/** A check with the flag in place of the option, which nobody can give on a command line. */
export function withFlag({ limit, ...check }: VerifyCheck): VerifyCheck {
  if (limit === undefined || !ownLimits.has(limit)) return check;
  return { ...check, detail: check.detail.replace(`raise ${limit} `, 'raise --max-disk-size ') };
}

/** @throws DiskSizeLimitError where the work says that a limit was reached */
export async function withinDiskSize<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { LimitError } = await import('@osforge/disk-image');
    if (!(error instanceof LimitError) || !ownLimits.has(error.limit)) throw error;
    throw new DiskSizeLimitError(`${error.detail}: raise --max-disk-size if the image is trusted`, {
      cause: error,
    });
  }
}
