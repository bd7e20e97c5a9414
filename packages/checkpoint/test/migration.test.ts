import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, readCheckpoint } from '@osforge/checkpoint';
import { expect, test } from 'vitest';
import { prettyJson } from './pretty-json.ts';
import { tempDirectory } from './temp-directory.ts';

const golden = join(import.meta.dirname, 'golden');

test.each([
  ['v1-seed', 'FFU-20260119-1234', ['preflight', 'drivers', 'updates', 'apps', 'disk']],
  [
    'v1-credentials',
    'FFU-20260119-5678',
    ['preflight', 'drivers', 'updates', 'apps', 'disk', 'os-updates', 'vm-setup'],
  ],
  ['v1-unknown-phase', 'FFU-20260119-9999', []],
])('%s becomes version 2 as in the golden file', async (name, buildId, phases) => {
  const directory = tempDirectory();
  const path = join(directory, `checkpoint-${buildId}.json`);
  copyFileSync(join(golden, `${name}.json`), path);

  const checkpoint = await openCheckpoint({
    directory,
    buildId,
    now: () => new Date('2026-03-01T00:00:00Z'),
  });
  expect(checkpoint.origin).toBe('migrated');
  const expected = join(golden, `${name}.v2.json`);
  await expect(await prettyJson(checkpoint.record, expected)).toMatchFileSnapshot(expected);
  expect(Object.keys(checkpoint.record.phases)).toEqual(phases);
  expect(await readCheckpoint({ directory, buildId })).toEqual(checkpoint.record);
  // Until something is done, the old release can still go on with its record.
  expect(readFileSync(path)).toEqual(readFileSync(join(golden, `${name}.json`)));

  await checkpoint.update((record) => record);
  await checkpoint.close();
  const again = await openCheckpoint({ directory, buildId });
  expect(again.origin).toBe('loaded');
  expect(again.record).toEqual({ ...checkpoint.record, updatedAt: '2026-03-01T00:00:00.000Z' });
  await again.close();
});

test('the ledger of version 1 is honoured, its phases never match, and no credential is taken over', async () => {
  const directory = tempDirectory();
  const buildId = 'FFU-20260119-5678';
  copyFileSync(join(golden, 'v1-credentials.json'), join(directory, `checkpoint-${buildId}.json`));
  const record = await readCheckpoint({ directory, buildId });
  expect(record?.ledger.map((entry) => [entry.id, entry.resourceType, entry.resourceId, entry.data])).toEqual(
    [
      ['1', 'VM', 'FFU-5678', undefined],
      ['2', 'Mount', 'E:', { name: 'Dismount' }],
    ],
  );
  for (const phase of Object.values(record?.phases ?? {}))
    expect(phase.inputsKey).not.toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.stringify(record)).not.toMatch(/hunter2|0123456789/);
  expect(record?.createdAt).toBe('2026-01-19T15:30:00.123Z');
});

test('the byte order mark that PowerShell writes is no damage', async () => {
  const directory = tempDirectory();
  const buildId = 'FFU-20260119-1234';
  const text = readFileSync(join(golden, 'v1-seed.json'), 'utf8');
  writeFileSync(join(directory, `checkpoint-${buildId}.json`), `\uFEFF${text.replaceAll('\n', '\r\n')}`);
  expect((await readCheckpoint({ directory, buildId }))?.percentComplete).toBe(45);
});

test.each([3, '3.0', 99, '2147483648'])(
  'version %j is newer than ours: refused, never touched',
  async (version) => {
    const directory = tempDirectory();
    const path = join(directory, 'checkpoint-a.json');
    const text = JSON.stringify({ version, buildId: 'a', shape: 'unknown' });
    writeFileSync(path, text);
    const refusal = { code: 'CHECKPOINT_NEWER_VERSION', version: String(version), supportedVersion: 2 };
    await expect(openCheckpoint({ directory, buildId: 'a' })).rejects.toMatchObject(refusal);
    await expect(readCheckpoint({ directory, buildId: 'a' })).rejects.toMatchObject(refusal);
    // The lock is free again: the same answer, and no other.
    await expect(openCheckpoint({ directory, buildId: 'a' })).rejects.toMatchObject(refusal);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(directory).filter((name) => name.includes('quarantine'))).toEqual([]);
  },
);
