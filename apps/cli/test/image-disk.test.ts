import { ImageDisksError } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { nameDisk, withItsDisk } from '../src/commands/image-disk.ts';

test('an image of several disks is refused with what to do', async () => {
  const error = new ImageDisksError('/images/phone.ffu', 3);
  await expect(withItsDisk(Promise.reject(error), nameDisk)).rejects.toMatchObject({
    name: 'UsageError',
    message:
      '/images/phone.ffu has 3 disks: give --disk with a number from 1 to 3 (osforge inspect lists them)',
    cause: error,
  });
  const other = new TypeError('x');
  await expect(withItsDisk(Promise.reject(other), nameDisk)).rejects.toBe(other);
  expect(await withItsDisk(Promise.resolve(1), nameDisk)).toBe(1);
});
