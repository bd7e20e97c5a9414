import { execFileSync, spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openAptWorkspace, type AptWorkspace } from '../../src/packages/apt-workspace.ts';
import { isTransientPackageError } from '../../src/packages/errors.ts';
import { buildRepository } from '../../src/packages/repository.ts';
import { delta, type ResolvedSet } from '../../src/packages/resolved-package.ts';
import { archiveCopy, serve, temporaryFolder, workspaceOf } from './local-archive.ts';

async function resolved(uri: string): Promise<{ workspace: AptWorkspace; set: ResolvedSet }> {
  const workspace = await workspaceOf(uri);
  await workspace.refreshIndexes();
  return { workspace, set: await workspace.resolve({ install: ['hello'] }) };
}

const archives = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.deb')).sort();

test.each(['file:', 'http:'])(
  'archives of a %s source are fetched once and checked when re-used',
  async (scheme) => {
    const archive = await archiveCopy();
    const { workspace, set } = await resolved(scheme === 'file:' ? `file:${archive}` : await serve(archive));
    const pool = await temporaryFolder();
    const progress: number[] = [];
    const first = await workspace.download(set, pool, {
      onProgress: ({ doneBytes, totalBytes }) => progress.push(doneBytes / totalBytes),
    });
    expect(await archives(pool)).toEqual(set.map(({ fileName }) => fileName));
    expect(first.files).toEqual(set.map(({ fileName }) => join(pool, fileName)));
    expect(first.reusedBytes).toBe(0);
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    // A file of its own, not a link into the archive.
    expect((await stat(first.files[0] ?? '')).nlink).toBe(1);

    const damaged = first.files[2] ?? '';
    const bytes = await readFile(damaged);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(damaged, bytes);
    const second = await workspace.download(set, pool);
    expect(second.downloadedBytes).toBe(set[2]?.sizeBytes);
    await rm(archive, { recursive: true });
    const third = await workspace.download(set, pool);
    expect(third.downloadedBytes).toBe(0);
  },
);

test('an archive that is not what was signed is refused, nothing of it stays, and a later try succeeds', async () => {
  const archive = await archiveCopy();
  const { workspace, set } = await resolved(await serve(archive));
  const path = join(archive, 'pool/hello_2.10_all.deb');
  const good = await readFile(path);
  const bad = Buffer.from(good);
  bad[200] = (bad[200] ?? 0) ^ 1;
  await writeFile(path, bad);
  const pool = await temporaryFolder();
  const error: unknown = await workspace.download(set, pool).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'PACKAGES_HASH_MISMATCH' });
  expect(isTransientPackageError(error)).toBe(true);
  expect(await archives(pool)).not.toContain('hello_2.10_all.deb');
  await writeFile(path, good);
  await workspace.download(set, pool);
  expect(await archives(pool)).toHaveLength(set.length);
});

test('what was fetched in part is continued', async () => {
  const archive = await archiveCopy();
  const ranges: string[] = [];
  const base = await serve(archive, (request) => {
    if (request.url?.endsWith('.deb') === true && request.headers.range !== undefined)
      ranges.push(request.headers.range);
    return false;
  });
  const { workspace, set } = await resolved(base);
  const pool = await temporaryFolder();
  const half = (await readFile(join(archive, 'pool/core_1.0_all.deb'))).subarray(0, 300);
  await mkdir(join(pool, 'partial/base'), { recursive: true });
  await writeFile(join(pool, 'partial/base/core_1.0_all.deb'), half);
  await workspace.download(set, pool, { scope: 'base' });
  expect(ranges).toEqual(['bytes=300-']);
  expect(await archives(pool)).toHaveLength(set.length);
});

test('an archive that is gone from the mirror says so', async () => {
  const archive = await archiveCopy();
  const { workspace, set } = await resolved(await serve(archive));
  await rm(join(archive, 'pool/hello_2.10_all.deb'));
  await expect(workspace.download(set, await temporaryFolder())).rejects.toMatchObject({
    code: 'PACKAGES_MIRROR_FILE_MISSING',
  });
});

test('three downloads share a folder at the same time', async () => {
  const { workspace, set } = await resolved(await serve(await archiveCopy()));
  const pool = await temporaryFolder();
  const reports = await Promise.all(
    ['base', 'apps', 'drivers'].map((scope, at) => workspace.download(set.slice(at), pool, { scope })),
  );
  expect(reports.map(({ files }) => files.length)).toEqual([5, 4, 3]);
  expect(await archives(pool)).toHaveLength(set.length);
  expect((await workspace.download(set, pool)).downloadedBytes).toBe(0);
});

test('downloads of one name at the same time wait for each other, and the second uses what the first has fetched', async () => {
  const archive = await archiveCopy();
  const fetched: string[] = [];
  const base = await serve(archive, (request) => {
    if (request.url?.endsWith('.deb') === true) fetched.push(request.url);
    return false;
  });
  const { workspace, set } = await resolved(base);
  const pool = await temporaryFolder();
  const reports = await Promise.all(
    Array.from({ length: 4 }, () => workspace.download(set, pool, { scope: 'base' })),
  );
  expect(fetched.toSorted()).toEqual([...new Set(fetched)].toSorted());
  expect(fetched).toHaveLength(set.length);
  expect(reports.map(({ downloadedBytes }) => downloadedBytes).filter((bytes) => bytes > 0)).toHaveLength(1);
  expect(await archives(pool)).toEqual(set.map(({ fileName }) => fileName).toSorted());
});

test('a download that was killed as it published is finished', async () => {
  const { workspace, set } = await resolved(await serve(await archiveCopy()));
  const pool = await temporaryFolder();
  await workspace.download(set, pool, { scope: 'base' });
  const name = set[0]?.fileName ?? '';
  // Right before it is renamed: complete, and no longer of the user that fetches.
  await rename(join(pool, name), join(pool, 'partial/base', name));
  await workspace.download(set, pool, { scope: 'base' });
  expect(await archives(pool)).toHaveLength(set.length);
  expect(await readdir(join(pool, 'partial/base'))).toEqual([]);
});

test('a program that still fetches for a killed process keeps the next download waiting', async () => {
  const { workspace, set } = await resolved(await serve(await archiveCopy()));
  const pool = await temporaryFolder();
  await mkdir(join(pool, 'partial'));
  const file = await open(join(pool, 'partial/base.lock'), 'a');
  execFileSync('flock', ['--exclusive', '3'], { stdio: ['ignore', 'ignore', 'inherit', file.fd] });
  const orphan = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', file.fd] });
  await file.close();
  await expect(
    (
      await workspaceOf(workspace.sources[0]?.uri ?? '', {
        directory: dirname(workspace.directory),
        lockTimeoutMs: 300,
      })
    ).download(set, pool, { scope: 'base' }),
  ).rejects.toMatchObject({ code: 'PACKAGES_WORKSPACE_LOCKED', directory: pool });
  const waiting = workspace.download(set, pool, { scope: 'base' });
  orphan.stdin?.end();
  await waiting;
  expect(await archives(pool)).toHaveLength(set.length);
});

test('a lock that cannot be taken names the folder', async () => {
  const { workspace, set } = await resolved(await serve(await archiveCopy()));
  const pool = await temporaryFolder();
  await mkdir(join(pool, 'partial/base.lock'), { recursive: true });
  await expect(workspace.download(set, pool, { scope: 'base' })).rejects.toMatchObject({
    code: 'PACKAGES_WORKSPACE_LOCK',
    directory: pool,
    message: expect.stringContaining('EISDIR') as string,
  });
});

test('cancelling ends a download that hangs', async () => {
  const archive = await archiveCopy();
  const controller = new AbortController();
  const base = await serve(archive, (request) => {
    const hangs = request.url?.endsWith('.deb') === true;
    if (hangs) controller.abort();
    return hangs;
  });
  const { workspace, set } = await resolved(base);
  await expect(
    workspace.download(set, await temporaryFolder(), { signal: controller.signal }),
  ).rejects.toMatchObject({ code: 'PROCESS_CANCELLED' });
});

test('too little space is noticed before anything is fetched (needs root)', async () => {
  const { workspace, set } = await resolved(`file:${await archiveCopy()}`);
  const small = await temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', small]);
  onTestFinished(() => {
    execFileSync('umount', [small]);
  });
  const large = set.map((entry) => ({ ...entry, sizeBytes: entry.sizeBytes + 100_000 }));
  await expect(workspace.download(large, small)).rejects.toMatchObject({
    code: 'PACKAGES_NO_SPACE',
    directory: small,
  });
  expect(await archives(small)).toEqual([]);
});

test('a repository of a set can be installed from without anything else', async () => {
  const { workspace, set } = await resolved(`file:${await archiveCopy()}`);
  const pool = await temporaryFolder();
  await workspace.download(set, pool);
  const folder = join(await temporaryFolder(), 'repository');
  const files = await buildRepository(folder, set, { archiveDirectory: pool });
  expect((await readdir(folder)).sort()).toEqual(files);
  // A second time the same, over what is there.
  const index = await readFile(join(folder, 'Packages'), 'utf8');
  await buildRepository(folder, set, { archiveDirectory: pool, copy: true });
  expect(await readFile(join(folder, 'Packages'), 'utf8')).toBe(index);

  const offline = await openAptWorkspace({
    directory: await temporaryFolder(),
    sources: [{ uri: `copy:${folder}`, suite: './', components: [] }],
    settings: [],
  });
  expect(await offline.refreshIndexes()).toMatchObject([{ origin: 'osforge', codename: 'osforge' }]);
  const again = await offline.resolve({ install: ['hello'] });
  expect(again.map(({ name, version, sha256 }) => [name, version, sha256])).toEqual(
    set.map(({ name, version, sha256 }) => [name, version, sha256]),
  );
  const report = await offline.download(again, await temporaryFolder());
  expect(report.files).toHaveLength(set.length);
});

test('a set minus its base is what is new or of another version', async () => {
  const { set } = await resolved(`file:${await archiveCopy()}`);
  const base = set
    .filter(({ name }) => name !== 'hello')
    .map((entry) => (entry.name === 'core' ? { ...entry, version: '0.9' } : entry));
  expect(delta(base, set).map(({ name }) => name)).toEqual(['core', 'hello']);
});
