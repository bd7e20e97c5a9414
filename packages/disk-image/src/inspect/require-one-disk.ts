import { openRaw } from '../block/reader.ts';
import { ImageDisksError } from '../errors.ts';
import { defaultMaxTableBytes } from '../ffu/open-ffu.ts';
import { readLayout } from '../ffu/read-layout.ts';
import type { DetectedFormat } from './detect-format.ts';
import type { OpenAnyOptions } from './open-any-image.ts';

/**
 * Refuses an image of several disks where nobody said which, as the others would be left out without a word, and one that
 * has no disk of that number.
 * @throws ImageDisksError; FfuFormatError, FfuUnsupportedError, FfuLimitError where an FFU cannot be opened
 */
export async function requireOneDisk(
  path: string,
  format: DetectedFormat,
  options: Pick<OpenAnyOptions, 'disk' | 'maxTableBytes' | 'signal'> = {},
): Promise<void> {
  const { disk } = options;
  const disks = format === 'ffu' ? await countDisks(path, options) : 1;
  if (disk === undefined && disks > 1) throw new ImageDisksError(path, disks);
  if (disk !== undefined && (!Number.isInteger(disk) || disk < 1 || disk > disks))
    throw new ImageDisksError(path, disks, disk);
}

async function countDisks(
  path: string,
  { maxTableBytes = defaultMaxTableBytes, signal }: Pick<OpenAnyOptions, 'maxTableBytes' | 'signal'>,
): Promise<number> {
  const reader = await openRaw(path);
  try {
    return (await readLayout(reader, { maxTableBytes, signal })).stores.length;
  } finally {
    await reader.close();
  }
}
