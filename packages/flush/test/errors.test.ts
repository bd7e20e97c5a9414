import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  flushFile,
  FlushUnsupportedError,
  hashFile,
  isTransientFlushError,
  requireStrategy,
  writeFileDurable,
} from '@osforge/flush';
import { failing } from './fault-file-system.ts';
import { scratch } from './scratch.ts';

describe('errors of the system', () => {
  test.each([
    ['EIO', 'FLUSH_IO', false],
    ['ENXIO', 'FLUSH_IO', false],
    ['ENODEV', 'FLUSH_IO', false],
    ['ENOSPC', 'FLUSH_NO_SPACE', false],
    ['EDQUOT', 'FLUSH_NO_SPACE', false],
    ['EROFS', 'FLUSH_READ_ONLY', false],
    ['EACCES', 'FLUSH_ACCESS', false],
    ['EPERM', 'FLUSH_ACCESS', false],
    ['ENOENT', 'FLUSH_NOT_FOUND', false],
    ['ELOOP', 'FLUSH_TARGET', false],
    ['EINVAL', 'FLUSH_UNSUPPORTED', false],
    ['EMFILE', 'FLUSH_BUSY', true],
    ['EBUSY', 'FLUSH_BUSY', true],
  ])('%s on opening is %s', async (errno, code, transient) => {
    const path = join(scratch(), 'a');
    const error: unknown = await hashFile(path, { fs: failing('open', errno) }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, errno, target: path, operation: 'open', cause: { code: errno } });
    expect(String(error)).toContain(path);
    expect(isTransientFlushError(error)).toBe(transient);
  });

  test('other errors are not ours to judge', () => {
    expect(isTransientFlushError(Object.assign(new Error(), { code: 'EBUSY' }))).toBe(false);
  });
});

describe('platforms', () => {
  const file = {} as never; // not reached: these platforms refuse before they look

  test.each([
    ['win32', 'windows', /FlushFileBuffers/, /Write-VolumeCache/],
    ['darwin', 'macos', /F_FULLFSYNC/, /sync_volume_np/],
  ] as const)('%s has its place and says that it is empty', async (platform, name, ofFile, ofVolume) => {
    const strategy = requireStrategy(platform);
    expect(strategy.platform).toBe(name);
    await expect(strategy.syncFile(file, { dataOnly: false })).rejects.toThrow(ofFile);
    await expect(strategy.syncVolume('C:', file)).rejects.toThrow(ofVolume);
    for (const work of [strategy.syncDirectory(file), strategy.syncDevice('x', file, file)]) {
      await expect(work).rejects.toThrow(FlushUnsupportedError);
    }
  });

  test('a write under such a strategy leaves nothing behind and claims nothing', async () => {
    const path = join(scratch(), 'a');
    const strategy = requireStrategy('win32');
    await expect(writeFileDurable(path, 'x', { strategy })).rejects.toMatchObject({
      code: 'FLUSH_UNSUPPORTED',
    });
    await expect(flushFile(path)).rejects.toMatchObject({ code: 'FLUSH_NOT_FOUND' });
  });

  test('an unknown platform', () => {
    expect(() => requireStrategy('aix')).toThrow(FlushUnsupportedError);
    expect(requireStrategy().platform).toBe('linux');
  });
});
