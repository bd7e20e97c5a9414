import { ImageDisksError } from '../errors.ts';
import type { DetectedFormat } from './detect-format.ts';
import { openAnyImage, type OpenAnyOptions } from './open-any-image.ts';

/**
 * Refuses an image of several disks where nobody said which: the others would be left out without a word.
 * @throws ImageDisksError; FfuFormatError and the like where it cannot be opened
 */
export async function requireOneDisk(
  path: string,
  format: DetectedFormat,
  options: Pick<OpenAnyOptions, 'disk' | 'maxTableBytes' | 'signal'> = {},
): Promise<void> {
  const { disk } = options;
  if (format !== 'ffu') {
    if (disk !== undefined && disk !== 1) throw new ImageDisksError(path, 1, disk);
    return;
  }
  const image = await openAnyImage(path, { ...options, format });
  await image.close();
  const disks = image.stores?.length ?? 1;
  if (disk === undefined && disks > 1) throw new ImageDisksError(path, disks);
}
