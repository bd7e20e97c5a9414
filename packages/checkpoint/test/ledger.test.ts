import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerEntry } from '@osforge/checkpoint';
import { cleanLedger, openCheckpoint, readCheckpoint, runLedger } from '@osforge/checkpoint';
import { nodeFileSystem } from '@osforge/flush';
import { expect, test } from 'vitest';
import { tempDirectory } from './temp-directory.ts';

function entry(resourceType: string, resourceId: string): LedgerEntry {
  return {
    id: `${resourceType}:${resourceId}`,
    resourceType,
    resourceId,
    registeredAt: '2026-01-01T00:00:00.000Z',
  };
}

const ids = (entries: readonly LedgerEntry[]): string[] => entries.map((one) => one.resourceId);

test('an entry is on the disk when register resolves, and gone when release does', async () => {
  const directory = tempDirectory();
  const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
  const stored = async () => (await readCheckpoint({ directory, buildId: 'a' }))?.ledger;
  const mount = await checkpoint.ledger.register('mount', '/build/root', { options: ['ro'] });
  expect(await stored()).toEqual([mount]);
  const file = await checkpoint.ledger.register('file', '/build/disk.raw');
  expect(await stored()).toEqual([mount, file]);
  expect(checkpoint.ledger.entries()).toEqual([mount, file]);
  await checkpoint.ledger.release(mount.id);
  expect(await stored()).toEqual([file]);
  await checkpoint.ledger.release('of nobody');
  await checkpoint.close();
});

test('register is done only after the record is renamed into place', async () => {
  const steps: string[] = [];
  const fs = {
    ...nodeFileSystem,
    rename: async (from: string, to: string) => {
      await nodeFileSystem.rename(from, to);
      steps.push('renamed');
    },
  };
  const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'a', fs });
  await checkpoint.ledger.register('file', '/x');
  steps.push('registered');
  expect(steps).toEqual(['renamed', 'registered']);
  await checkpoint.close();
});

test('a resource that is listed already keeps its entry and place', async () => {
  const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'a' });
  const [first, second] = await Promise.all([
    checkpoint.ledger.register('process', '1', { since: 1 }),
    checkpoint.ledger.register('process', '2'),
  ]);
  const again = await checkpoint.ledger.register('process', '1', { since: 2 });
  expect(again).toEqual({ ...first, data: { since: 2 } });
  expect(await checkpoint.ledger.register('process', '1')).toEqual(again);
  expect(checkpoint.ledger.entries()).toEqual([again, second]);
  await checkpoint.close();
});

test('resources are removed in reverse, by type; failures and unknown types do not stop the rest', async () => {
  const order: string[] = [];
  const failure = new Error('busy');
  const entries = [
    entry('file', '/a'),
    entry('gone', 'b'),
    entry('bad', 'c'),
    entry('constructor', 'd'),
    entry('file', '/e'),
  ];
  const report = await cleanLedger(entries, {
    file: (one) => void order.push(one.resourceId),
    gone: async () => {
      await nodeFileSystem.unlink('/does/not/exist');
    },
    bad: () => {
      throw failure;
    },
  });
  expect(order).toEqual(['/e', '/a']);
  expect(ids(report.cleaned)).toEqual(['/e', '/a']);
  expect(ids(report.absent)).toEqual(['b']);
  expect(ids(report.unknown)).toEqual(['d']);
  expect(report.failed).toEqual([{ entry: entries[2], error: failure }]);
  expect(report.blocked).toEqual([]);
});

test('a folder is not removed while something inside it is left', async () => {
  const removed: string[] = [];
  const entries = [
    entry('folder', '/build'),
    entry('folder', '/buildings'),
    entry('mount', '/build/root'),
    entry('folder', '/build/root/tmp'),
    entry('strange', '/build/root/tmp/x'),
  ];
  const report = await cleanLedger(entries, {
    folder: (one) => void removed.push(one.resourceId),
    mount: (one) => void removed.push(one.resourceId),
  });
  expect(removed).toEqual(['/buildings']);
  expect(ids(report.unknown)).toEqual(['/build/root/tmp/x']);
  expect(report.blocked.map(({ entry: one, by }) => [one.resourceId, by.resourceId])).toEqual([
    ['/build/root/tmp', '/build/root/tmp/x'],
    ['/build/root', '/build/root/tmp/x'],
    ['/build', '/build/root/tmp/x'],
  ]);
});

test('clean-up can be aborted between two resources', async () => {
  const abort = new AbortController();
  const removed: string[] = [];
  const clean = cleanLedger(
    [entry('file', '/a'), entry('file', '/b')],
    {
      file: (one) => {
        removed.push(one.resourceId);
        abort.abort(new RangeError('enough'));
      },
    },
    { signal: abort.signal },
  );
  await expect(clean).rejects.toThrow(RangeError);
  expect(removed).toEqual(['/b']);
});

test('runLedger releases each entry durably, so that a second run does only what is left', async () => {
  const directory = tempDirectory();
  const folder = join(directory, 'work');
  mkdirSync(folder);
  writeFileSync(join(folder, 'disk.raw'), 'x');
  const first = await openCheckpoint({ directory, buildId: 'a' });
  await first.ledger.register('folder', folder);
  await first.ledger.register('file', join(folder, 'disk.raw'));
  await first.ledger.register('file', join(folder, 'never-made'));
  await first.ledger.register('foreign', 'x');
  await first.close();

  const second = await openCheckpoint({ directory, buildId: 'a' });
  const stored: (number | undefined)[] = [];
  const handlers = {
    file: (one: LedgerEntry) => {
      rmSync(one.resourceId);
    },
    folder: (one: LedgerEntry) => {
      rmdirSync(one.resourceId);
    },
  };
  const report = await runLedger(second, handlers, {
    onRemoved: async () => {
      stored.push((await readCheckpoint({ directory, buildId: 'a' }))?.ledger.length);
    },
  });
  expect(existsSync(folder)).toBe(false);
  expect(ids(report.cleaned)).toEqual([join(folder, 'disk.raw'), folder]);
  expect(ids(report.absent)).toEqual([join(folder, 'never-made')]);
  expect(ids(report.unknown)).toEqual(['x']);
  expect(stored).toEqual([3, 2, 1]);
  expect(ids(second.ledger.entries())).toEqual(['x']);
  await second.close();
});
