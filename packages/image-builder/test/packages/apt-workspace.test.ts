import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isTransientPackageError } from '../../src/packages/errors.ts';
import { writeIfDifferent } from '../../src/packages/workspace-folders.ts';
import { archiveCopy, serve, temporaryFolder, workspaceOf } from './local-archive.ts';

async function failure(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; lines?: readonly string[] }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
}

describe('refreshing indexes', () => {
  test('says what each index is, and is repeatable', async () => {
    const workspace = await workspaceOf(`file:${await archiveCopy()}`);
    expect(await workspace.indexes()).toEqual([]);
    const first = await workspace.refreshIndexes();
    expect(first).toEqual([
      {
        suite: 'good-archive',
        codename: 'good',
        origin: 'Test',
        date: '2025-06-15T12:00:00.000Z',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
    expect(await workspace.refreshIndexes()).toEqual(first);
    expect(await workspace.indexes()).toEqual(first);
  });

  test('young indexes are used without the archive, and kept for the next process', async () => {
    const archive = await archiveCopy();
    const directory = await temporaryFolder();
    const base = await serve(archive);
    const workspace = await workspaceOf(base, { directory });
    const infos = await workspace.refreshIndexes();
    await rm(archive, { recursive: true });
    expect(await workspace.refreshIndexes({ maxAgeMs: 3_600_000 })).toEqual(infos);
    const again = await workspaceOf(base, { directory });
    expect(await again.indexes()).toEqual(infos);
    expect((await again.resolve({ install: ['hello'] })).map(({ name }) => name)).toContain('libhello');
    await expect(again.refreshIndexes()).rejects.toMatchObject({ code: 'PACKAGES_MIRROR_FILE_MISSING' });
  });

  test.each([
    ['a key that is not in the keyring', 'stranger', 'PACKAGES_SIGNATURE_INVALID'],
    ['an index past its date', 'expired', 'PACKAGES_RELEASE_EXPIRED'],
    ['a suite that is not there', 'gone', 'PACKAGES_MIRROR_FILE_MISSING'],
  ])('%s is refused for good', async (_what, suite, code) => {
    const workspace = await workspaceOf(`file:${await archiveCopy()}`, { suite });
    const error = await failure(workspace.refreshIndexes());
    expect(error.code).toBe(code);
    expect(error.lines?.length).toBeGreaterThan(0);
    expect(isTransientPackageError(error)).toBe(false);
  });

  test('a changed signed text is refused', async () => {
    const archive = await archiveCopy();
    const path = join(archive, 'dists/good/InRelease');
    await writeFile(path, (await readFile(path, 'utf8')).replace('Label: Test', 'Label: Evil'));
    const workspace = await workspaceOf(`file:${archive}`);
    await expect(workspace.refreshIndexes()).rejects.toMatchObject({ code: 'PACKAGES_SIGNATURE_INVALID' });
  });

  test('an index that is not what was signed is refused, and worth another try', async () => {
    const archive = await archiveCopy();
    const path = join(archive, 'dists/good/main/binary-amd64/Packages');
    await writeFile(path, (await readFile(path, 'utf8')).replace('Package: hello', 'Package: hallo'));
    const workspace = await workspaceOf(await serve(archive));
    const error = await failure(workspace.refreshIndexes());
    expect(error.code).toBe('PACKAGES_HASH_MISMATCH');
    expect(isTransientPackageError(error)).toBe(true);
  });

  test.each([
    ['refuses connections', undefined],
    ['answers 503', 503],
  ])('an archive that %s is worth another try', async (_what, status) => {
    const base =
      status === undefined
        ? 'http://127.0.0.1:1'
        : await serve('/nonexistent', (_request, response) => {
            response.writeHead(status).end();
            return true;
          });
    const error = await failure((await workspaceOf(base)).refreshIndexes());
    expect(error.code).toBe('PACKAGES_MIRROR_UNREACHABLE');
    expect(isTransientPackageError(error)).toBe(true);
  });

  test('a failed refresh leaves the former indexes', async () => {
    const archive = await archiveCopy();
    let down = false;
    const base = await serve(archive, (_request, response) => {
      if (down) response.writeHead(500).end();
      return down;
    });
    const workspace = await workspaceOf(base);
    const infos = await workspace.refreshIndexes();
    down = true;
    await expect(workspace.refreshIndexes()).rejects.toMatchObject({ code: 'PACKAGES_MIRROR_UNREACHABLE' });
    expect(await workspace.indexes()).toEqual(infos);
    await expect(workspace.resolve({ install: ['hello'] })).resolves.toHaveLength(5);
  });

  test('cancelling ends a refresh that hangs', async () => {
    const controller = new AbortController();
    const base = await serve('/nonexistent', () => {
      controller.abort();
      return true;
    });
    const workspace = await workspaceOf(base);
    await expect(workspace.refreshIndexes({ signal: controller.signal })).rejects.toMatchObject({
      code: 'PROCESS_CANCELLED',
    });
  });

  test('another process in the workspace is waited for until the deadline', async () => {
    const workspace = await workspaceOf(`file:${await archiveCopy()}`, { lockTimeoutMs: 200 });
    const holder = spawn('flock', [join(workspace.directory, 'lock'), 'sh', '-c', 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const error = await failure(workspace.refreshIndexes());
    expect(error.code).toBe('PACKAGES_WORKSPACE_LOCKED');
    expect(isTransientPackageError(error)).toBe(true);
    holder.stdin.end();
    await once(holder, 'exit');
    await expect(workspace.refreshIndexes()).resolves.toHaveLength(1);
  });
});

describe('resolving', () => {
  const refreshed = async (): ReturnType<typeof workspaceOf> => {
    const workspace = await workspaceOf(`file:${await archiveCopy()}`);
    await workspace.refreshIndexes();
    return workspace;
  };

  test('from nothing it is essential and required packages, apt, and the closure without recommendations', async () => {
    const workspace = await refreshed();
    const set = await workspace.resolve({ install: ['hello'] });
    expect(set.map(({ name, version }) => `${name}=${version}`)).toEqual([
      'apt=2.6',
      'core=1.0',
      'hello=2.10',
      'libhello=1:1.0-1',
      'needed=1.0',
    ]);
    expect(set[3]).toMatchObject({
      architecture: 'all',
      fileName: 'libhello_1%3a1.0-1_all.deb',
      suite: 'good',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      stanza: expect.stringContaining('Package: libhello\nVersion: 1:1.0-1\n') as string,
    });
    expect(await workspace.resolve({ install: [] })).toHaveLength(3);
    expect(await workspace.resolve({ install: ['extra'], base: 'nothing' })).toHaveLength(1);
    expect(await workspace.resolve({ install: [], base: 'nothing' })).toEqual([]);
  });

  test('besides a base it is what comes in addition', async () => {
    const workspace = await refreshed();
    const base = await workspace.resolve({ install: [] });
    const added = await workspace.resolve({ install: ['hello', 'core'], besides: base });
    expect(added.map(({ name }) => name)).toEqual(['hello', 'libhello']);
    // The base of one question is not that of the next.
    expect(await workspace.resolve({ install: ['hello'] })).toHaveLength(5);
  });

  test('a version may be asked for', async () => {
    const workspace = await refreshed();
    expect(await workspace.resolve({ install: ['extra=1.0'], base: 'nothing' })).toHaveLength(1);
  });

  test('all unknown packages are named, each with what may be meant', async () => {
    const workspace = await refreshed();
    const error = await failure(workspace.resolve({ install: ['helol', 'extra=9', 'colour', 'zebra-xyz'] }));
    expect(error).toMatchObject({
      code: 'PACKAGES_UNKNOWN',
      packages: [
        { name: 'helol', nearest: ['hello'] },
        { name: 'extra=9', nearest: ['extra=1.0'] },
        { name: 'colour', nearest: expect.arrayContaining(['blue', 'red']) as string[] },
        { name: 'zebra-xyz', nearest: [] },
      ],
    });
    expect(error.message).toContain('helol (did you mean hello?)');
    expect(isTransientPackageError(error)).toBe(false);
  });

  test.each([
    ['a dependency that is not there', ['broken'], 'not-there'],
    ['two that exclude each other', ['red', 'blue'], 'Conflicts'],
  ])('%s is a conflict with its reason', async (_what, install, reason) => {
    const error = await failure((await refreshed()).resolve({ install }));
    expect(error.code).toBe('PACKAGES_CONFLICT');
    expect(error.message).toContain(reason);
  });

  test('a package that would remove one of the base is a conflict', async () => {
    const workspace = await refreshed();
    const base = await workspace.resolve({ install: ['red'] });
    await expect(workspace.resolve({ install: ['blue'], besides: base })).rejects.toMatchObject({
      code: 'PACKAGES_CONFLICT',
    });
  });

  test('an option is no package', async () => {
    const workspace = await refreshed();
    await expect(workspace.resolve({ install: ['--simulate'] })).rejects.toMatchObject({
      code: 'PACKAGES_UNKNOWN',
    });
  });
});

test('what a killed apt left of its cache is removed when it is old, or nobody else is there', async () => {
  const directory = await temporaryFolder();
  const archive = `file:${await archiveCopy()}`;
  const workspace = await workspaceOf(archive, { directory });
  const remains = ['pkgcache.bin.AbCdEf', 'srcpkgcache.bin.new'].map((name) =>
    join(workspace.directory, 'cache', name),
  );
  const [old = '', young = ''] = remains;
  for (const path of remains) await writeFile(path, '');
  await utimes(old, 0, 0);
  await workspaceOf(archive, { directory });
  await expect(access(old)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(access(young)).resolves.toBeUndefined();
  await workspaceOf(archive, { directory, isOnlyUser: true });
  await expect(access(young)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('phases that write the same file at the same time do not take it from each other', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'installed.status');
  await Promise.all(Array.from({ length: 50 }, () => writeIfDifferent(file, 'the same\n')));
  expect(await readFile(file, 'utf8')).toBe('the same\n');
  expect(await readdir(folder)).toEqual(['installed.status']);
});
