import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LedgerEntry } from '@osforge/checkpoint';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LedgerPathError, ledgerHandlers } from '../../src/build/ledger-handlers.ts';
import { mountsBelow } from '../../src/build/remove-tree.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-ledger-test-'));
  await mkdir(path.join(folder, 'build', 'work', 'tree'), { recursive: true });
  await writeFile(path.join(folder, 'precious'), 'kept');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const entry = (resourceId: string): LedgerEntry => ({
  id: '1',
  resourceType: 'directory-tree',
  resourceId,
  registeredAt: '2026-01-01T00:00:00.000Z',
});

async function remove(place: string): Promise<void> {
  await ledgerHandlers(path.join(folder, 'build'))['directory-tree']?.(entry(place));
}

test('a tree of the build is removed, again without complaint, and links in it are not followed', async () => {
  await symlink(folder, path.join(folder, 'build', 'work', 'tree', 'out'));
  await remove(path.join(folder, 'build', 'work', 'tree'));
  await remove(path.join(folder, 'build', 'work', 'tree'));
  expect(await readdir(path.join(folder, 'build', 'work'))).toEqual([]);
  expect(await readdir(folder)).toContain('precious');
});

test.each(['precious', 'build/../precious', 'build', 'buildx', '.'])(
  'a record that was edited to name %s removes nothing',
  async (name) => {
    await expect(remove(`${folder}/${name}`)).rejects.toBeInstanceOf(LedgerPathError);
    expect((await readdir(folder)).sort()).toEqual(['build', 'precious']);
  },
);

test('a link in the build that leads out of it is no way to what is outside', async () => {
  await symlink(folder, path.join(folder, 'build', 'work', 'out'));
  await expect(remove(`${folder}/build/work/out/precious`)).rejects.toBeInstanceOf(LedgerPathError);
  expect((await readdir(folder)).sort()).toEqual(['build', 'precious']);
});

test.each(['/etc', '/', 'relative', `${tmpdir()}/other`, `${tmpdir()}/osforge-vm-1/../other`])(
  'a place that no build makes is left alone: %s',
  async (place) => {
    await expect(remove(place)).rejects.toBeInstanceOf(LedgerPathError);
  },
);

test('mounts are listed innermost first, with their escapes undone', () => {
  const line = (place: string): string => `36 35 98:0 / ${place} rw - ext4 /dev/x rw`;
  const info = [
    line('/a'),
    line('/a/tree'),
    line('/a/tree/proc'),
    line('/a/tree/with\\040space'),
    line('/a/treehouse'),
  ].join('\n');
  expect(mountsBelow(info, '/a/tree')).toEqual(['/a/tree/with space', '/a/tree/proc', '/a/tree']);
});
