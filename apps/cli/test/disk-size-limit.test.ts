import { defaultMaxTableBytes, FfuLimitError, ImageLimitError } from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { diskSizeLimits, withFlag, withinDiskSize } from '../src/commands/disk-size-limit.ts';

const tib = 2 ** 40;

test('one size is the limit of whatever claims a size, and never lowers that of tables', async () => {
  expect(await diskSizeLimits({})).toEqual({});
  expect(await diskSizeLimits({ maxDiskSize: 2 * tib })).toEqual({
    maxDiskBytes: 2 * tib,
    maxExpandedBytes: 2 * tib,
    // 16 million blocks of 128 KiB, 16 bytes each.
    maxTableBytes: 2 ** 28,
  });
  expect((await diskSizeLimits({ maxDiskSize: 1 })).maxTableBytes).toBe(defaultMaxTableBytes);
});

test.each([
  new ImageLimitError('maxDiskBytes', 'a disk of 9 bytes'),
  new ImageLimitError('maxExpandedBytes', 'a disk of 9 bytes'),
  new FfuLimitError('maxTableBytes', 'a disk of 9 bytes'),
])('what reached $limit names the flag', async (error) => {
  const message = 'a disk of 9 bytes: raise --max-disk-size if the image is trusted';
  await expect(withinDiskSize(Promise.reject(error))).rejects.toMatchObject({
    code: 'CLI_DISK_SIZE_LIMIT',
    message,
    cause: error,
  });
  const check = { name: 'disk', status: 'failed', detail: error.message } as const;
  expect(withFlag({ ...check, limit: error.limit })).toEqual({ ...check, detail: message });
  expect(withFlag(check)).toEqual(check);
});

test('another limit, and another error, stay as they are', async () => {
  const check = { name: 'disk', status: 'failed', detail: 'x: raise maxEntries if' } as const;
  expect(withFlag({ ...check, limit: 'maxEntries' })).toEqual(check);
  for (const error of [new FfuLimitError('blockBytes', 'too many blocks'), new TypeError('x')])
    await expect(withinDiskSize(Promise.reject(error))).rejects.toBe(error);
});
