import { constants } from 'node:fs';
import { access, lstat, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../errors/error-chain.ts';
import { UsageError } from '../errors/usage-error.ts';

/**
 * Makes the folder of all builds, if it is missing, and makes sure that it can be written.
 * @throws UsageError
 */
export async function prepareOutDirectory(out: string, cwd: string): Promise<string> {
  return prepareFolder('--out', out, cwd);
}

/**
 * The same for the folder that any option names.
 * @throws UsageError
 */
export async function prepareFolder(option: string, named: string, cwd: string): Promise<string> {
  const directory = path.resolve(cwd, named);
  try {
    await makeFolder(directory);
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UsageError(`${option} ${named}: ${reason(error)}; choose another folder`, { cause: error });
  }
  return directory;
}

/**
 * Makes sure that what is read as the folder of all builds is none of something else; it need not be there.
 * @throws UsageError
 */
export async function checkOutDirectory(out: string, cwd: string): Promise<void> {
  try {
    if ((await stat(path.resolve(cwd, out))).isDirectory()) return;
  } catch (error) {
    if (codeOf(error) !== 'ENOTDIR') return;
  }
  throw new UsageError(`--out ${out}: it is a file, or lies below one; name the folder of all builds`);
}

/** Not `mkdir` with `recursive`: below /proc that never ends (Node 24), as making a folder there fails with ENOENT. */
async function makeFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && (await stat(directory)).isDirectory()) return;
    const parent = path.dirname(directory);
    if (code !== 'ENOENT' || parent === directory || (await exists(parent))) throw error;
    await makeFolder(parent);
    await makeFolder(directory);
  }
}

async function exists(place: string): Promise<boolean> {
  return lstat(place).then(
    () => true,
    () => false,
  );
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
    case 'ENOENT':
      return 'no folder can be made there';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
