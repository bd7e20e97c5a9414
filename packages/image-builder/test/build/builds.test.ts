import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint, recordArtifact } from '@osforge/checkpoint';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cleanBuild } from '../../src/build/builds.ts';
import { LedgerPathError } from '../../src/build/ledger-handlers.ts';

let out: string;
beforeEach(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'osforge-builds-test-'));
});
afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

/** A build "one" whose record says that `file` is what its user gets. */
async function record(file: string, ledger?: string): Promise<void> {
  const directory = path.join(out, 'one');
  const checkpoint = await openCheckpoint({ directory: path.join(directory, '.osforge'), buildId: 'one' });
  await writeFile(file, 'content');
  const artifact = await recordArtifact(file, {
    name: 'image',
    retention: 'output',
    buildDirectory: directory,
  });
  const time = new Date().toISOString();
  await checkpoint.update((build) => ({
    ...build,
    phases: {
      capture: {
        state: 'done',
        inputsKey: '0'.repeat(64),
        startedAt: time,
        completedAt: time,
        durationMs: 0,
        artifacts: [artifact],
        data: {},
      },
    },
  }));
  if (ledger !== undefined) await checkpoint.ledger.register('file', ledger);
  await checkpoint.close();
}

test('cleaning all of a build removes its artifacts and its folder', async () => {
  await record(path.join(out, 'one', 'image.qcow2'));
  await cleanBuild(out, 'one', { all: true });
  expect(await readdir(out)).toEqual([]);
});

test('cleaning all of a build removes the folders of its media, but for what is not theirs', async () => {
  const folder = path.join(out, 'one', 'media', 'pxe', 'payload');
  await mkdir(folder, { recursive: true });
  await record(path.join(folder, '0000.zst'));
  await writeFile(path.join(out, 'one', 'media', 'notes.txt'), 'mine');
  await cleanBuild(out, 'one', { all: true });
  expect((await readdir(out, { recursive: true })).sort()).toEqual([
    'one',
    'one/media',
    'one/media/notes.txt',
  ]);
});

test('an artifact outside of the build, in a record that was edited, is left alone', async () => {
  const precious = path.join(out, 'precious');
  await record(precious);
  await expect(cleanBuild(out, 'one', { all: true })).rejects.toBeInstanceOf(LedgerPathError);
  expect((await readdir(out)).sort()).toEqual(['one', 'precious']);
});

test('what could not be removed keeps the record that knows of it', async () => {
  await record(path.join(out, 'one', 'image.qcow2'), '/etc/hostname');
  const { failed } = await cleanBuild(out, 'one', { all: true });
  expect(failed.map(({ entry }) => entry.resourceId)).toEqual(['/etc/hostname']);
  expect(await readdir(path.join(out, 'one', '.osforge'))).toContain('checkpoint-one.json');
});
