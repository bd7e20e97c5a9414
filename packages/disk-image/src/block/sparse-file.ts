import { open } from 'node:fs/promises';
import { DiskFullError, ImageExistsError } from '../errors.ts';

/** The code of a system error, where it is one. */
function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The same error, or a DiskFullError in its place where the disk (or the quota) is full. */
export function typedWriteError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' ? new DiskFullError(path, { cause: error }) : error;
}

export interface CreateSparseFileOptions {
  /** Replace an existing file's content by zeros; default false. */
  readonly overwrite?: boolean;
}

/**
 * Creates a file of `sizeBytes` that occupies no blocks yet (mode 0644 less the umask).
 * @throws ImageExistsError if the file exists and `overwrite` is not set
 */
export async function createSparseFile(
  path: string,
  sizeBytes: number,
  options: CreateSparseFileOptions = {},
): Promise<void> {
  try {
    const file = await open(path, options.overwrite === true ? 'w' : 'wx', 0o644);
    try {
      await file.truncate(sizeBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new ImageExistsError(path, { cause: error });
    throw typedWriteError(error, path);
  }
}
