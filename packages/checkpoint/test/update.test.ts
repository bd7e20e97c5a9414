import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  CheckpointBuildIdError,
  CheckpointClosedError,
  CheckpointInvalidError,
  listCheckpoints,
  openCheckpoint,
  readCheckpoint,
} from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { phaseRecord } from './records.ts';
import { tempDirectory } from './temp-directory.ts';

describe('a record', () => {
  test('is new at first, and is loaded as it was written', async () => {
    const directory = join(tempDirectory(), 'made', 'when-absent');
    const now = () => new Date('2026-02-03T04:05:06.789Z');
    const first = await openCheckpoint({ directory, buildId: 'debian-minimal', now });
    expect(first.origin).toBe('new');
    expect(existsSync(first.path)).toBe(false);
    expect(await readCheckpoint({ directory, buildId: 'debian-minimal' })).toBeUndefined();
    await first.update((record) => ({ ...record, percentComplete: 40, phases: { disk: phaseRecord() } }));
    await first.close();

    const second = await openCheckpoint({ directory, buildId: 'debian-minimal' });
    expect(second.origin).toBe('loaded');
    expect(second.record).toEqual(first.record);
    expect(second.record).toMatchObject({
      version: 2,
      createdAt: '2026-02-03T04:05:06.789Z',
      updatedAt: '2026-02-03T04:05:06.789Z',
      percentComplete: 40,
      phases: { disk: phaseRecord() },
    });
    expect(await readCheckpoint({ directory, buildId: 'debian-minimal' })).toEqual(second.record);
    await second.close();
    expect(readdirSync(directory).sort()).toEqual([
      'checkpoint-debian-minimal.json',
      'checkpoint-debian-minimal.lock',
    ]);
  });

  test('is readable by its owner only', async () => {
    const directory = tempDirectory();
    const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
    await checkpoint.update((record) => record);
    expect(statSync(checkpoint.path).mode & 0o777).toBe(0o600);
    await checkpoint.close();
  });

  test('cannot be changed in place', async () => {
    const directory = tempDirectory();
    const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
    const shared = { list: [1] };
    await checkpoint.update((record) => ({ ...record, facts: { shared } }));
    shared.list.push(2);
    expect(checkpoint.record.facts).toEqual({ shared: { list: [1] } });
    expect(Object.isFrozen(checkpoint.record.facts['shared'])).toBe(true);
    await checkpoint.close();
  });
});

describe('update', () => {
  test('runs concurrent calls one after the other, in order', async () => {
    const directory = tempDirectory();
    const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        checkpoint.update((record) => {
          const seen = typeof record.facts['seen'] === 'string' ? record.facts['seen'] : '';
          order.push(index);
          return { ...record, facts: { seen: `${seen} ${index}` } };
        }),
      ),
    );
    const expected = Array.from({ length: 60 }, (_, index) => index);
    expect(order).toEqual(expected);
    expect((await readCheckpoint({ directory, buildId: 'a' }))?.facts).toEqual({
      seen: ` ${expected.join(' ')}`,
    });
    await checkpoint.close();
  });

  test('refuses what breaks the schema, leaves the old record, and goes on', async () => {
    const directory = tempDirectory();
    const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
    await checkpoint.update((record) => ({ ...record, percentComplete: 10 }));
    const before = readFileSync(checkpoint.path, 'utf8');
    const bad = [
      checkpoint.update((record) => ({ ...record, percentComplete: 101 })),
      checkpoint.update((record) => ({ ...record, buildId: 'b' })),
      checkpoint.update((record) => ({ ...record, extra: 1 })),
      checkpoint.update((record) => ({ ...record, facts: { size: Number.NaN } })),
      checkpoint.update((record) => ({ ...record, phases: { 'no name': phaseRecord() } })),
      checkpoint.update((record) => ({ ...record, phases: { disk: phaseRecord({ inputsKey: 'x' }) } })),
      ...['../up', 'a/../../up', '..', 'a/..', '', 'a\n/../b'].map((path) =>
        checkpoint.update((record) => ({
          ...record,
          phases: {
            disk: phaseRecord({
              artifacts: phaseRecord().artifacts.map((artifact) => ({ ...artifact, path })),
            }),
          },
        })),
      ),
    ];
    for (const result of await Promise.allSettled(bad)) {
      expect(result.status).toBe('rejected');
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(CheckpointInvalidError);
    }
    await expect(
      checkpoint.update(() => {
        throw new RangeError('of the caller');
      }),
    ).rejects.toThrow(RangeError);
    expect(readFileSync(checkpoint.path, 'utf8')).toBe(before);
    expect(checkpoint.record.percentComplete).toBe(10);
    await checkpoint.update((record) => ({ ...record, percentComplete: record.percentComplete + 1 }));
    expect((await readCheckpoint({ directory, buildId: 'a' }))?.percentComplete).toBe(11);
    await checkpoint.close();
  });

  test('says which field is wrong', async () => {
    const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'a' });
    await expect(
      checkpoint.update((record) => ({ ...record, phases: { disk: phaseRecord({ durationMs: -1 }) } })),
    ).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      reason: 'schema',
      issues: [expect.stringMatching(/^phases\.disk\.durationMs: /)],
    });
    await checkpoint.close();
  });

  test('is finished by close, and refused after it', async () => {
    const directory = tempDirectory();
    const checkpoint = await openCheckpoint({ directory, buildId: 'a' });
    const pending = checkpoint.update((record) => ({ ...record, percentComplete: 7 }));
    await Promise.all([checkpoint.close(), checkpoint.close()]);
    await pending;
    await expect(checkpoint.update((record) => record)).rejects.toBeInstanceOf(CheckpointClosedError);
    expect((await readCheckpoint({ directory, buildId: 'a' }))?.percentComplete).toBe(7);
  });
});

describe('builds', () => {
  test('lie side by side', async () => {
    const directory = tempDirectory();
    const a = await openCheckpoint({ directory, buildId: 'a' });
    const b = await openCheckpoint({ directory, buildId: 'a.lock' });
    await Promise.all([
      a.update((record) => ({ ...record, percentComplete: 1 })),
      b.update((record) => ({ ...record, percentComplete: 2 })),
    ]);
    await a.close();
    const listed = await listCheckpoints(directory);
    expect(listed.map((one) => [one.buildId, one.record?.percentComplete, one.owner?.alive])).toEqual([
      ['a', 1, undefined],
      ['a.lock', 2, true],
    ]);
    await b.close();
    expect(await listCheckpoints(join(directory, 'absent'))).toEqual([]);
  });

  test.each(['', '.', '..', '../x', 'a/b', '/etc/x', 'a\0b', '-a', 'ä', 'a b', 'a'.repeat(101), 'a\n'])(
    'are not named %j',
    async (buildId) => {
      const directory = join(tempDirectory(), 'inner');
      await expect(openCheckpoint({ directory, buildId })).rejects.toBeInstanceOf(CheckpointBuildIdError);
      await expect(readCheckpoint({ directory, buildId })).rejects.toBeInstanceOf(CheckpointBuildIdError);
      expect(existsSync(directory)).toBe(false);
    },
  );
});
