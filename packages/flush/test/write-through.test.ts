import { constants } from 'node:fs';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import {
  createWriteThrough,
  FlushCancelledError,
  FlushNotFoundError,
  FlushTargetError,
  FlushTimeoutError,
  FlushUnsupportedError,
  FlushVerifyError,
  type WriteThrough,
} from '@osforge/flush';
import { failing, faultFileSystem } from './fault-file-system.ts';
import { loopDevice, mountExt4, scratch, tmpfs, tool } from './scratch.ts';

const mebibyte = 1024 * 1024;
const write = (stream: WriteThrough, data: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
/** Writes everything and gives the report, or the error of both the stream and the report. */
async function writeWhole(stream: WriteThrough, ...data: (string | Uint8Array)[]): Promise<unknown> {
  await pipeline(Readable.from(data, { objectMode: true }), stream);
  return await stream.report;
}

test('writes a file, and says how much and how', async () => {
  const path = join(scratch(), 'a');
  await writeFile(path, 'older and longer than what comes');
  const stream = createWriteThrough(path);
  expect(await writeWhole(stream, 'one ', Buffer.from('two ü'))).toMatchObject({
    method: 'write-through',
    target: path,
    bytes: 10,
    files: 1,
    verified: { how: 'none', reason: 'not requested' },
  });
  expect(await readFile(path, 'utf8')).toBe('one two ü');
});

test('each write is on the device when its callback is called (root)', async () => {
  const image = join(scratch(), 'disk.img');
  tool('truncate', '-s', '16M', image);
  const folder = await mountExt4(loopDevice(image));
  const stream = createWriteThrough(join(folder, 'a'));
  for (const needle of ['first needle', 'second needle']) {
    await write(stream, needle);
    expect((await readFile(image)).includes(needle)).toBe(true);
  }
  expect(stream.bytesWritten).toBe(25);
  stream.end();
  await stream.report;
});

test('waiting chunks become one write, in order', async () => {
  const path = join(scratch(), 'a');
  const fs = faultFileSystem(() => undefined);
  const stream = createWriteThrough(path, { fs });
  for (let index = 0; index < 100; index += 1) stream.write(`${index},`);
  stream.end();
  await stream.report;
  expect(await readFile(path, 'utf8')).toBe(Array.from({ length: 100 }, (_, index) => `${index},`).join(''));
  expect(fs.count('write')).toBe(1);
});

test('appends, and refuses what exists', async () => {
  const path = join(scratch(), 'a');
  await writeWhole(createWriteThrough(path, { flags: 'wx', mode: 0o600 }), 'one ');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await writeWhole(createWriteThrough(path, { flags: 'a' }), 'two');
  await expect(writeWhole(createWriteThrough(path, { flags: 'wx' }), 'x')).rejects.toThrow(FlushTargetError);
  await expect(writeWhole(createWriteThrough(path, { flags: 'a', verify: true }), 'x')).rejects.toThrow(
    FlushUnsupportedError,
  );
  expect(await readFile(path, 'utf8')).toBe('one two');
});

test('an existing file that gets nothing is empty, and flushed', async () => {
  const path = join(scratch(), 'a');
  await writeFile(path, 'old');
  const fs = faultFileSystem(() => undefined);
  await writeWhole(createWriteThrough(path, { fs }));
  expect((await stat(path)).size).toBe(0);
  expect(fs.calls.filter((line) => /^(?:data)?sync /.test(line))).toEqual([
    `datasync ${path}`,
    `sync ${join(path, '..')}`,
  ]);
});

test('follows a link and flushes the folder where the file is', async () => {
  const [here, there] = [scratch(), scratch()];
  await writeFile(join(there, 'real'), 'old');
  await symlink(join(there, 'real'), join(here, 'link'));
  const fs = faultFileSystem(() => undefined);
  const report = await writeWhole(createWriteThrough(join(here, 'link'), { fs }), 'new');
  expect(report).toMatchObject({ target: join(there, 'real') });
  expect(fs.calls).toContain(`sync ${there}`);
});

test('verifies a file, and finds a wrong digest', async () => {
  const path = join(scratch(), 'a');
  await writeFile(join(path, '..', 'same'), Buffer.alloc(mebibyte + 1, 'x'));
  const sha256 = tool('sha256sum', join(path, '..', 'same')).slice(0, 64);
  const report = await writeWhole(
    createWriteThrough(path, { verify: true }),
    Buffer.alloc(mebibyte + 1, 'x'),
  );
  expect(report).toMatchObject({ verified: { expected: sha256, actual: sha256, bytes: mebibyte + 1 } });
  const wrong = createWriteThrough(path, { verify: { expected: '0'.repeat(64) } });
  await expect(writeWhole(wrong, 'x')).rejects.toThrow(FlushVerifyError);
  await expect(wrong.report).rejects.toThrow(FlushVerifyError);
});

test('writes and verifies the start of a block device (root)', async () => {
  const image = join(scratch(), 'disk.img');
  await writeFile(image, Buffer.alloc(4 * mebibyte, 'old'));
  const device = loopDevice(image, '--direct-io=on');
  const report = await writeWhole(
    createWriteThrough(device, { verify: 'required' }),
    Buffer.alloc(mebibyte + 512, 'new'),
  );
  expect(report).toMatchObject({
    method: 'write-through',
    bytes: mebibyte + 512,
    files: 0,
    verified: { how: 'read-back-direct', bytes: mebibyte + 512 },
  });
  const written = await readFile(image);
  expect(written.subarray(0, mebibyte + 512)).toEqual(Buffer.alloc(mebibyte + 512, 'new'));
  expect(written.subarray(mebibyte + 512)).toEqual(
    Buffer.alloc(4 * mebibyte, 'old').subarray(mebibyte + 512),
  );
});

test('a write-protected device (root)', async () => {
  const image = join(scratch(), 'disk.img');
  await writeFile(image, Buffer.alloc(mebibyte, 'old'));
  const stream = createWriteThrough(loopDevice(image, '--read-only'));
  await expect(writeWhole(stream, 'new')).rejects.toMatchObject({ code: 'FLUSH_READ_ONLY' });
  expect((await readFile(image)).subarray(0, 3).toString()).toBe('old');
});

test('a mounted device is refused (root)', async () => {
  const image = join(scratch(), 'disk.img');
  tool('truncate', '-s', '16M', image);
  const device = loopDevice(image);
  await mountExt4(device);
  const before = tool('sha256sum', image);
  await expect(writeWhole(createWriteThrough(device), 'x')).rejects.toMatchObject({ code: 'FLUSH_BUSY' });
  expect(tool('sha256sum', image)).toBe(before);
});

test('a device that fails: EIO of the very write, and no fsync after it (root)', async () => {
  const image = join(await tmpfs(4 * mebibyte), 'disk.img');
  tool('truncate', '-s', '64M', image);
  const fs = faultFileSystem(() => undefined);
  const stream = createWriteThrough(loopDevice(image), { fs });
  const chunks = Array.from({ length: 12 }, () => Buffer.alloc(mebibyte, 'x'));
  await expect(writeWhole(stream, ...chunks)).rejects.toMatchObject({
    code: 'FLUSH_IO',
    errno: 'EIO',
    operation: 'write',
  });
  expect(stream.bytesWritten).toBeGreaterThan(0);
  expect(stream.bytesWritten).toBeLessThan(5 * mebibyte);
  expect(fs.count('sync') + fs.count('datasync')).toBe(0);
});

test('a full file system (root)', async () => {
  const path = join(await tmpfs(mebibyte), 'a');
  const stream = createWriteThrough(path);
  await expect(writeWhole(stream, Buffer.alloc(4 * mebibyte))).rejects.toMatchObject({
    code: 'FLUSH_NO_SPACE',
  });
  await expect(stream.report).rejects.toMatchObject({ code: 'FLUSH_NO_SPACE' });
});

test('a failing close and a failing fdatasync are told', async () => {
  for (const [call, operation] of [
    ['close', 'close'],
    ['datasync', 'fdatasync'],
  ] as const) {
    const fs = failing(call, 'EIO', /\/a$/);
    const stream = createWriteThrough(join(scratch(), 'a'), { fs });
    await expect(writeWhole(stream, 'x')).rejects.toMatchObject({ code: 'FLUSH_IO', operation });
    expect(fs.count('datasync')).toBe(1);
  }
});

test('what cannot be written to', async () => {
  const folder = scratch();
  tool('mkfifo', join(folder, 'fifo'));
  for (const path of [folder, join(folder, 'fifo'), '/dev/full']) {
    await expect(writeWhole(createWriteThrough(path), 'x')).rejects.toThrow(FlushTargetError);
  }
  await expect(writeWhole(createWriteThrough(join(folder, 'no', 'a')), 'x')).rejects.toThrow(
    FlushNotFoundError,
  );
});

test('signal, deadline and destroy', async () => {
  const folder = scratch();
  const hanging = faultFileSystem((call) => (call === 'write' ? new Promise(() => {}) : undefined));
  const controller = new AbortController();
  const cancelled = createWriteThrough(join(folder, 'a'), { fs: hanging, signal: controller.signal });
  const write = writeWhole(cancelled, 'x');
  write.catch(() => {});
  controller.abort();
  await expect(write).rejects.toThrow(FlushCancelledError);
  await expect(cancelled.report).rejects.toThrow(FlushCancelledError);

  const late = createWriteThrough(join(folder, 'b'), { fs: hanging, timeoutMs: 30 });
  await expect(writeWhole(late, 'x')).rejects.toThrow(FlushTimeoutError);

  const destroyed = createWriteThrough(join(folder, 'c'));
  destroyed.destroy();
  await expect(destroyed.report).rejects.toThrow(FlushCancelledError);
});

test('the seam is asked for O_DSYNC, and for O_EXCL on a device only', async () => {
  const flags: number[] = [];
  const fs = faultFileSystem((call, path, asked) => {
    if (call === 'open' && path.endsWith('/a')) flags.push(asked);
    return undefined;
  });
  await writeWhole(createWriteThrough(join(scratch(), 'a'), { fs }), 'x');
  expect(flags.map((asked) => [asked & constants.O_DSYNC, asked & constants.O_EXCL])).toEqual([
    [constants.O_DSYNC, 0],
  ]);
});
