import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CheckpointInvalidError, listCheckpoints, openCheckpoint, readCheckpoint } from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { phaseRecord } from './records.ts';
import { tempDirectory } from './temp-directory.ts';

const now = () => new Date('2026-02-03T04:05:06.789Z');

/** The text of a whole record of build `a` with a phase and two ledger entries. */
async function validText(): Promise<string> {
  const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'a', now });
  await checkpoint.update((record) => ({ ...record, phases: { disk: phaseRecord() } }));
  await checkpoint.ledger.register('mount', '/build/root');
  await checkpoint.ledger.register('file', '/build/disk.raw');
  await checkpoint.close();
  return readFileSync(checkpoint.path, 'utf8');
}

interface Draft {
  version: unknown;
  buildId: unknown;
  percentComplete: unknown;
  phases: unknown;
  ledger: { resourceId: unknown }[];
  [key: string]: unknown;
}

function edited(text: string, edit: (draft: Draft) => void): string {
  const draft = JSON.parse(text) as Draft;
  edit(draft);
  return JSON.stringify(draft);
}

type Damage = (text: string) => string;
const damages: [string, string, number, Damage][] = [
  ['nothing in it', 'torn', 0, () => ''],
  ['half of it', 'torn', 0, (text) => text.slice(0, text.length / 2)],
  ['zeros after a power loss', 'torn', 0, (text) => '\0'.repeat(text.length)],
  ['something after it', 'torn', 0, (text) => `${text}}`],
  ['no object', 'schema', 0, () => '[]'],
  ['null', 'schema', 0, () => 'null'],
  ['no version', 'schema', 2, (text) => edited(text, (draft) => delete draft.version)],
  ['a version that is no version', 'schema', 2, (text) => edited(text, (draft) => (draft.version = 'two'))],
  ['version 2 as text', 'schema', 2, (text) => edited(text, (draft) => (draft.version = '2.0'))],
  ['a broken version 1', 'schema', 0, () => '{"version":"1.0","buildId":"a"}'],
  ['a wrong type', 'schema', 2, (text) => edited(text, (draft) => (draft.percentComplete = '45'))],
  ['a list of phases', 'schema', 2, (text) => edited(text, (draft) => (draft.phases = []))],
  ['an unknown field', 'schema', 2, (text) => edited(text, (draft) => (draft['password'] = 'x'))],
  [
    'a wrong ledger entry',
    'schema',
    1,
    (text) =>
      edited(text, (draft) => {
        for (const entry of draft.ledger.slice(1)) entry.resourceId = 7;
      }),
  ],
  ['the record of another build', 'build-id', 0, (text) => edited(text, (draft) => (draft.buildId = 'b'))],
];

describe('a record that does not hold is kept aside', () => {
  test.each(damages)('%s', async (_name, reason, salvaged, damage) => {
    const directory = tempDirectory();
    const text = damage(await validText());
    const path = join(directory, 'checkpoint-a.json');
    writeFileSync(path, text);
    await expect(readCheckpoint({ directory, buildId: 'a' })).rejects.toBeInstanceOf(CheckpointInvalidError);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect((await listCheckpoints(directory))[0]?.error).toMatchObject({
      code: 'CHECKPOINT_INVALID',
      reason,
    });

    const checkpoint = await openCheckpoint({ directory, buildId: 'a', now });
    const aside = `checkpoint-a.json.20260203T040506789Z.${reason}.quarantine`;
    expect(checkpoint.origin).toBe('quarantined');
    expect(checkpoint.quarantined).toMatchObject({
      reason,
      path: join(directory, aside),
      salvagedLedgerEntries: salvaged,
    });
    expect(checkpoint.quarantined?.issues).not.toEqual([]);
    expect(readFileSync(join(directory, aside), 'utf8')).toBe(text);
    // It begins again, but does not forget what may have to be removed.
    expect(checkpoint.record).toMatchObject({ buildId: 'a', percentComplete: 0, phases: {} });
    expect(checkpoint.ledger.entries()).toHaveLength(salvaged);
    await checkpoint.update((record) => record);
    await checkpoint.close();
    expect(await readCheckpoint({ directory, buildId: 'a' })).toEqual(checkpoint.record);
    expect((await listCheckpoints(directory)).map((listed) => listed.buildId)).toEqual(['a']);
  });
});

test('nothing that was set aside is ever overwritten', async () => {
  const directory = tempDirectory();
  const path = join(directory, 'checkpoint-a.json');
  const kept: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    writeFileSync(path, `broken ${round}`);
    const checkpoint = await openCheckpoint({ directory, buildId: 'a', now });
    kept.push(basename(checkpoint.quarantined?.path ?? ''));
    await checkpoint.close();
  }
  expect(new Set(kept).size).toBe(3);
  expect(kept.map((name) => readFileSync(join(directory, name), 'utf8'))).toEqual([
    'broken 0',
    'broken 1',
    'broken 2',
  ]);
  expect(readdirSync(directory).filter((name) => name.includes('quarantine'))).toHaveLength(3);
});

test('a record that cannot be read is an error, not a new build', async () => {
  const directory = tempDirectory();
  mkdirSync(join(directory, 'checkpoint-a.json'));
  await expect(openCheckpoint({ directory, buildId: 'a' })).rejects.toMatchObject({
    code: 'CHECKPOINT_IO',
    operation: 'read',
  });
});
