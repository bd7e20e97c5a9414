import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../errors/error-chain.ts';
import { UsageError } from '../errors/usage-error.ts';

/**
 * Makes the folder of all builds, if it is missing, and makes sure that it can be written.
 * @throws UsageError
 */
export async function prepareOutDirectory(out: string, cwd: string): Promise<string> {
  const directory = path.resolve(cwd, out);
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UsageError(`--out ${out}: ${reason(error)}; choose another folder`, { cause: error });
  }
  return directory;
}

function reason(error: unknown): string {
  switch (codeOf(error)) {
    case 'EEXIST':
    case 'ENOTDIR':
      return 'it is a file, or lies below one';
    case 'EACCES':
    case 'EPERM':
      return 'you may not write there';
    case 'EROFS':
      return 'its file system is read-only';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
