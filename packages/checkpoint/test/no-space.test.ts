import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointNoSpaceError, openCheckpoint, readCheckpoint } from '@osforge/checkpoint';
import { expect, onTestFinished, test } from 'vitest';
import { tempDirectory } from './temp-directory.ts';

test('a full disk (real tmpfs; needs root): typed error, old record intact, works again with space', async () => {
  const directory = tempDirectory();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'osforge-test', directory]);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', directory]);
  });
  const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
  await checkpoint.update((record) => ({
    ...record,
    percentComplete: 10,
    facts: { text: 'x'.repeat(5000) },
  }));
  const before = readFileSync(checkpoint.path, 'utf8');
  fill(directory);

  await expect(checkpoint.update((record) => ({ ...record, percentComplete: 20 }))).rejects.toBeInstanceOf(
    CheckpointNoSpaceError,
  );
  await expect(checkpoint.ledger.register('file', '/x')).rejects.toMatchObject({
    code: 'CHECKPOINT_NO_SPACE',
  });
  expect(readFileSync(checkpoint.path, 'utf8')).toBe(before);
  expect(checkpoint.record.percentComplete).toBe(10);
  expect(checkpoint.ledger.entries()).toEqual([]);
  expect(readdirSync(directory).filter((name) => name.includes('tmp'))).toEqual([]);
  await checkpoint.close();

  // A disk that is still full does not stop a later run from seeing where it was.
  fill(directory);
  const resumed = await openCheckpoint({ directory, buildId: 'a' });
  expect(resumed.origin).toBe('loaded');
  expect(resumed.record.percentComplete).toBe(10);
  await expect(resumed.update((record) => record)).rejects.toBeInstanceOf(CheckpointNoSpaceError);

  rmSync(join(directory, 'filler'));
  await resumed.update((record) => ({ ...record, percentComplete: 30 }));
  expect((await readCheckpoint({ directory, buildId: 'a' }))?.percentComplete).toBe(30);
  await resumed.close();
});

/** Until not one block is free. */
function fill(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize), { flag: 'a' });
  expect(statfsSync(directory).bavail).toBe(0);
}
