import { stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../errors/error-chain.ts';
import { UsageError } from '../errors/usage-error.ts';

/**
 * The absolute path of an image that a command line names.
 * @throws UsageError where there is none, or something that is no file
 */
export async function namedImage(image: string, cwd: string): Promise<string> {
  if (image === '') throw new UsageError('the name of the image is empty; name a file');
  const file = path.resolve(cwd, image);
  try {
    const status = await stat(file);
    if (status.isFile() || status.isBlockDevice()) return file;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new UsageError(`${image}: there is no such file; name an image`, { cause: error });
    throw error;
  }
  throw new UsageError(`${image}: it is neither a file nor a device; name an image`);
}
