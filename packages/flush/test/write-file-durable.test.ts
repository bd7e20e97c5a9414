import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  FlushAccessError,
  FlushBusyError,
  FlushCancelledError,
  FlushIoError,
  FlushNoSpaceError,
  FlushNotFoundError,
  FlushReadOnlyError,
  FlushTargetError,
  FlushTimeoutError,
  isTransientFlushError,
  nodeFileSystem,
  writeFileDurable,
} from '@osforge/flush';
import { failing, faultFileSystem, type Call } from './fault-file-system.ts';
import { loopDevice, mountExt4, scratch, tmpfs, tool } from './scratch.ts';

const text = (path: string): Promise<string> => readFile(path, 'utf8');
const permissions = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

describe('what is written', () => {
  test('creates a file, replaces it, and says so', async () => {
    const path = join(scratch(), 'state.json');
    const created = await writeFileDurable(path, '{"é":1}');
    expect(created).toMatchObject({ method: 'fsync', target: path, bytes: 8, files: 1 });
    expect(created.verified).toEqual({ how: 'none', reason: 'not requested' });
    expect(created.durationMs).toBeGreaterThan(0);
    await writeFileDurable(path, new Uint8Array([0, 255, 10]));
    expect([...(await readFile(path))]).toEqual([0, 255, 10]);
    expect(await readdir(join(path, '..'))).toEqual(['state.json']);
  });

  test('an empty file, and one that needs many writes', async () => {
    const folder = scratch();
    await writeFileDurable(join(folder, 'empty'), '');
    expect((await stat(join(folder, 'empty'))).size).toBe(0);
    // Each write takes a few bytes only, as a signal or a full pipe would make it.
    const short = faultFileSystem(() => undefined);
    const open = short.open.bind(short);
    short.open = async (path, flags, mode) => {
      const file = await open(path, flags, mode);
      const write = file.write.bind(file);
      return { ...file, write: (bytes, offset, length, at) => write(bytes, offset, Math.min(3, length), at) };
    };
    await writeFileDurable(join(folder, 'short'), 'abcdefghij', { fs: short });
    expect(await text(join(folder, 'short'))).toBe('abcdefghij');
    expect(short.count('write')).toBe(4);
  });

  test('a name of 255 bytes, also of characters that are longer than a byte', async () => {
    const folder = scratch();
    for (const name of ['n'.repeat(255), 'ü'.repeat(127), '\u{1f4be}'.repeat(63)]) {
      await writeFileDurable(join(folder, name), name);
      expect(await text(join(folder, name))).toBe(name);
    }
    expect(await readdir(folder)).toHaveLength(3);
  });

  test('fsyncs the file before the rename and the folder after it, each once', async () => {
    const folder = scratch();
    const fs = faultFileSystem(() => undefined);
    await writeFileDurable(join(folder, 'a'), 'x', { fs });
    const steps = fs.calls
      .filter((line) => /^(?:write|sync|rename)/.test(line))
      .map((line) => line.replace(/\.a\.\d.*/, 'TEMP').replace(folder, ''));
    expect(steps).toEqual(['write /TEMP', 'sync /TEMP', 'rename /a', 'sync ']);
  });

  test('of two writers at once one wins whole', async () => {
    const path = join(scratch(), 'a');
    const contents = Array.from({ length: 12 }, (_, index) => String(index).repeat(100_000 + index));
    await Promise.all(contents.map((content) => writeFileDurable(path, content)));
    expect(contents).toContain(await text(path));
    expect(await readdir(join(path, '..'))).toEqual(['a']);
  });
});

describe('mode and owner', () => {
  test('a given mode is exact whatever the umask, and never wider on the way', async () => {
    const folder = scratch();
    const path = join(folder, 'a');
    const modes: (number | undefined)[] = [];
    const fs = {
      ...nodeFileSystem,
      open: (name: string, flags: number, mode?: number) => {
        if (name.endsWith('.osforge-tmp')) modes.push(mode);
        return nodeFileSystem.open(name, flags, mode);
      },
    };
    await writeFileDurable(path, 'x', { mode: 0o666, fs });
    expect(await permissions(path)).toBe(0o666);
    await writeFileDurable(path, 'x', { mode: 0o400, fs });
    expect(await permissions(path)).toBe(0o400);
    expect(modes).toEqual([0o600, 0o400]);
  });

  test('a replaced file keeps its mode; a new one follows the umask', async () => {
    const folder = scratch();
    await writeFile(join(folder, 'plain'), '');
    await writeFileDurable(join(folder, 'new'), 'x');
    expect(await permissions(join(folder, 'new'))).toBe(await permissions(join(folder, 'plain')));
    await chmod(join(folder, 'plain'), 0o640);
    await writeFileDurable(join(folder, 'plain'), 'x');
    expect(await permissions(join(folder, 'plain'))).toBe(0o640);
  });

  test('setuid and setgid survive the write and the change of owner (root)', async () => {
    const path = join(scratch(), 'a');
    await writeFile(path, 'old');
    await chown(path, 1234, 2345);
    await chmod(path, 0o6755);
    await writeFileDurable(path, 'new');
    expect(await permissions(path)).toBe(0o6755);
  });

  test('a replaced file keeps its owner (root)', async () => {
    const path = join(scratch(), 'a');
    await writeFile(path, 'old');
    await chown(path, 1234, 2345);
    await writeFileDurable(path, 'new');
    expect(await stat(path)).toMatchObject({ uid: 1234, gid: 2345 });
  });
});

describe('what it refuses', () => {
  test('a symbolic link is neither followed nor replaced', async () => {
    const folder = scratch();
    await writeFile(join(folder, 'real'), 'old');
    await symlink('real', join(folder, 'link'));
    await symlink('nowhere', join(folder, 'dangling'));
    for (const name of ['link', 'dangling']) {
      await expect(writeFileDurable(join(folder, name), 'new')).rejects.toThrow(FlushTargetError);
    }
    expect(await text(join(folder, 'real'))).toBe('old');
    expect(await readlink(join(folder, 'link'))).toBe('real');
    expect((await readdir(folder)).sort()).toEqual(['dangling', 'link', 'real']);
  });

  test('a folder, a FIFO and a device', async () => {
    const folder = scratch();
    await mkdir(join(folder, 'sub'));
    tool('mkfifo', join(folder, 'fifo'));
    for (const path of [join(folder, 'sub'), join(folder, 'fifo'), '/dev/null']) {
      await expect(writeFileDurable(path, 'x')).rejects.toMatchObject({ code: 'FLUSH_TARGET', target: path });
    }
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  test('a hard link keeps the old content: the name gets a new file', async () => {
    const folder = scratch();
    await writeFile(join(folder, 'a'), 'old');
    await link(join(folder, 'a'), join(folder, 'b'));
    await writeFileDurable(join(folder, 'a'), 'new');
    expect([await text(join(folder, 'a')), await text(join(folder, 'b'))]).toEqual(['new', 'old']);
  });

  test('a missing folder, and a file in the place of one', async () => {
    const folder = scratch();
    await writeFile(join(folder, 'file'), '');
    await expect(writeFileDurable(join(folder, 'no', 'a'), 'x')).rejects.toThrow(FlushNotFoundError);
    await expect(writeFileDurable(join(folder, 'file', 'a'), 'x')).rejects.toThrow(FlushNotFoundError);
  });
});

describe('forced failures', () => {
  const cases: [Call, RegExp, string, new (...args: never[]) => Error, string][] = [
    ['open', /osforge-tmp$/, 'EACCES', FlushAccessError, 'open'],
    ['open', /osforge-tmp$/, 'EMFILE', FlushBusyError, 'open'],
    ['open', /flush-[^/]+$/, 'EIO', FlushIoError, 'open-directory'],
    ['write', /./, 'ENOSPC', FlushNoSpaceError, 'write'],
    ['write', /./, 'EDQUOT', FlushNoSpaceError, 'write'],
    ['write', /./, 'EIO', FlushIoError, 'write'],
    ['chmod', /./, 'EROFS', FlushReadOnlyError, 'chmod'],
    ['sync', /osforge-tmp$/, 'EIO', FlushIoError, 'fsync'],
    ['sync', /osforge-tmp$/, 'ENOSPC', FlushNoSpaceError, 'fsync'],
    ['sync', /osforge-tmp$/, 'EAGAIN', FlushIoError, 'fsync'],
    ['close', /osforge-tmp$/, 'EIO', FlushIoError, 'close'],
    ['rename', /./, 'EXDEV', FlushIoError, 'rename'],
  ];
  test.each(cases)(
    '%s of %s with %s leaves the old file and no temp',
    async (call, match, code, type, operation) => {
      const folder = scratch();
      await writeFile(join(folder, 'a'), 'old');
      const fs = failing(call, code, match);
      const error: unknown = await writeFileDurable(join(folder, 'a'), 'new', { fs, mode: 0o600 }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject({ operation, errno: code, cause: { code } });
      expect(await text(join(folder, 'a'))).toBe('old');
      expect(await readdir(folder)).toEqual(['a']);
    },
  );

  test.each(['EIO', 'EAGAIN', 'EINTR', 'ENOSPC'])(
    'fsync is called once, also when it fails with %s',
    async (code) => {
      const fs = failing('sync', code);
      const error: unknown = await writeFileDurable(join(scratch(), 'a'), 'x', { fs }).catch(
        (e: unknown) => e,
      );
      expect(fs.count('sync')).toBe(1);
      expect(isTransientFlushError(error)).toBe(false);
    },
  );

  test('a folder whose fsync fails is reported although the new content is in place', async () => {
    const folder = scratch();
    await writeFile(join(folder, 'a'), 'old');
    const fs = failing('sync', 'EIO', /flush-[^/]+$/);
    await expect(writeFileDurable(join(folder, 'a'), 'new', { fs })).rejects.toMatchObject({
      code: 'FLUSH_IO',
      operation: 'fsync-directory',
    });
    expect(fs.count('sync')).toBe(2);
    expect(await text(join(folder, 'a'))).toBe('new');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('a failing clean-up does not hide the first error', async () => {
    const fs = faultFileSystem((call, path) => {
      if (call === 'write') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      if (call === 'unlink' || (call === 'close' && path.endsWith('-tmp'))) {
        throw Object.assign(new Error('broken'), { code: 'EIO' });
      }
      return undefined;
    });
    await expect(writeFileDurable(join(scratch(), 'a'), 'x', { fs })).rejects.toThrow(FlushNoSpaceError);
  });
});

describe('real failures', () => {
  test('a full tmpfs: no space, the old file and nothing else is left; after space is freed it works (root)', async () => {
    const folder = await tmpfs(1024 * 1024);
    const path = join(folder, 'a');
    await writeFileDurable(path, 'old');
    await writeFile(join(folder, 'ballast'), Buffer.alloc(900_000));
    await expect(writeFileDurable(path, Buffer.alloc(400_000))).rejects.toMatchObject({
      code: 'FLUSH_NO_SPACE',
      errno: 'ENOSPC',
      operation: 'write',
    });
    expect(await text(path)).toBe('old');
    expect((await readdir(folder)).sort()).toEqual(['a', 'ballast']);
    tool('rm', join(folder, 'ballast'));
    await writeFileDurable(path, Buffer.alloc(400_000));
    expect((await stat(path)).size).toBe(400_000);
  });

  test('a read-only file system (root)', async () => {
    const folder = await tmpfs(1024 * 1024);
    await writeFile(join(folder, 'a'), 'old');
    tool('mount', '-o', 'remount,ro', folder);
    await expect(writeFileDurable(join(folder, 'a'), 'new')).rejects.toThrow(FlushReadOnlyError);
    expect(await text(join(folder, 'a'))).toBe('old');
  });

  test('a device that fails while it writes back: fsync tells, and the old file stays (root)', async () => {
    // A sparse image on a tmpfs that is smaller than it: the device runs out of memory behind ext4's back.
    const image = join(await tmpfs(6 * 1024 * 1024), 'disk.img');
    tool('truncate', '-s', '32M', image);
    const folder = await mountExt4(loopDevice(image));
    const path = join(folder, 'a');
    await writeFileDurable(path, 'old');
    const error: unknown = await writeFileDurable(path, Buffer.alloc(16 * 1024 * 1024, 'x')).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      operation: 'fsync',
      // Some kernels make EIO of every failure of a loop device, some hand its errno on.
      code: expect.stringMatching(/^FLUSH_(?:IO|NO_SPACE)$/) as string, // vitest types matchers as any
    });
    expect(isTransientFlushError(error)).toBe(false);
    expect(await text(path)).toBe('old');
    expect((await readdir(folder)).sort()).toEqual(['a', 'lost+found']);
  });
});

describe('deadline and signal', () => {
  const hanging = (): ReturnType<typeof faultFileSystem> & { reached: Promise<void> } => {
    let tell = (): void => {};
    const reached = new Promise<void>((resolve) => (tell = resolve));
    const fs = faultFileSystem((call) => {
      if (call !== 'sync') return undefined;
      tell();
      return new Promise(() => {});
    });
    return Object.assign(fs, { reached });
  };

  test('a signal that is already aborted: nothing is touched', async () => {
    const fs = faultFileSystem(() => undefined);
    const signal = AbortSignal.abort('stop');
    await expect(writeFileDurable(join(scratch(), 'a'), 'x', { fs, signal })).rejects.toMatchObject({
      code: 'FLUSH_CANCELLED',
      cause: 'stop',
    });
    expect(fs.calls).toEqual([]);
  });

  test('a signal during a hanging fsync: the old file stays, the temp is gone', async () => {
    const folder = scratch();
    await writeFile(join(folder, 'a'), 'old');
    const fs = hanging();
    const controller = new AbortController();
    const write = writeFileDurable(join(folder, 'a'), 'new', { fs, signal: controller.signal });
    write.catch(() => {});
    await fs.reached;
    controller.abort();
    await expect(write).rejects.toThrow(FlushCancelledError);
    expect(await text(join(folder, 'a'))).toBe('old');
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('a deadline during a hanging fsync is no reason to try again', async () => {
    const fs = hanging();
    const error: unknown = await writeFileDurable(join(scratch(), 'a'), 'x', { fs, timeoutMs: 50 }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FlushTimeoutError);
    expect(isTransientFlushError(error)).toBe(false);
  });
});
