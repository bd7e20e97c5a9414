import { existsSync, readdirSync } from 'node:fs';
import { inspect } from 'node:util';
import type { BuildRecord } from '@osforge/checkpoint';
import { CheckpointSecretError, openCheckpoint } from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { phaseRecord } from './records.ts';
import { tempDirectory } from './temp-directory.ts';

const secret = 'p"ä\\ß\n/+swörd';
const artifact = phaseRecord().artifacts[0];
if (artifact === undefined) throw new Error('the sample has an artifact');

type Change = (record: BuildRecord) => BuildRecord;
const fact =
  (value: string): Change =>
  (record) => ({ ...record, facts: { a: [{ b: value }] } });
const phase =
  (change: Parameters<typeof phaseRecord>[0]): Change =>
  (record) => ({ ...record, phases: { disk: phaseRecord(change) } });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const leaks: [string, string, Change][] = [
  ['plain', 'facts.a.0.b', fact(secret)],
  ['inside of a text', 'facts.a.0.b', fact(`mysql --password=${secret} -u root`)],
  ['escaped as JSON in a text', 'facts.a.0.b', fact(JSON.stringify({ password: secret }))],
  ['as base64', 'facts.a.0.b', fact(base64(secret))],
  ['as base64 without padding', 'facts.a.0.b', fact(base64(secret).replace(/=+$/, ''))],
  ['as base64 of the URL alphabet', 'facts.a.0.b', fact(Buffer.from(secret).toString('base64url'))],
  ['as base64, at byte 1', 'facts.a.0.b', fact(base64(`x${secret}y`))],
  ['as base64, at byte 2', 'facts.a.0.b', fact(base64(`xx${secret}yy`))],
  ['as base64 of user:password', 'facts.a.0.b', fact(`Basic ${base64(`admin:${secret}`)}`)],
  ['as hex', 'facts.a.0.b', fact(Buffer.from(secret).toString('hex'))],
  ['percent-encoded', 'facts.a.0.b', fact(`https://u:${encodeURIComponent(secret)}@host/`)],
  ['as a member name', 'facts.***', (record) => ({ ...record, facts: { [secret]: 1 } })],
  ['in the data of a phase', 'phases.disk.data.url', phase({ data: { url: secret } })],
  ['in the reason of a phase', 'phases.disk.reason', phase({ state: 'skipped', reason: secret })],
  [
    'in the name of an artifact',
    'phases.disk.artifacts.0.name',
    phase({ artifacts: [{ ...artifact, name: secret }] }),
  ],
  [
    'in the path of an artifact',
    'phases.disk.artifacts.0.path',
    phase({ artifacts: [{ ...artifact, path: `x/${secret}` }] }),
  ],
  [
    'in the ledger',
    'ledger.0.resourceId',
    (record) => ({
      ...record,
      ledger: [{ id: '1', resourceType: 'x', resourceId: secret, registeredAt: record.createdAt }],
    }),
  ],
];

describe('the value of a secret is not written', () => {
  test.each(leaks)('%s', async (_name, field, change) => {
    const directory = tempDirectory();
    const checkpoint = await openCheckpoint({
      directory,
      buildId: 'a',
      secretValues: () => ['unused', secret],
    });
    const refused = checkpoint.update(change);
    await expect(refused).rejects.toBeInstanceOf(CheckpointSecretError);
    await expect(refused).rejects.toMatchObject({ code: 'CHECKPOINT_SECRET', field });
    const message = await refused.catch((error: unknown) => String(error));
    expect(message).toContain(field);
    expect(message).not.toContain(secret);
    expect(existsSync(checkpoint.path)).toBe(false);
    expect(readdirSync(directory).filter((name) => name.endsWith('tmp'))).toEqual([]);
    await checkpoint.close();
  });
});

test('a secret that resolves while the build runs is looked for from then on', async () => {
  const known: string[] = [];
  const checkpoint = await openCheckpoint({
    directory: tempDirectory(),
    buildId: 'a',
    secretValues: () => known,
  });
  await checkpoint.update(fact('token-1234'));
  known.push('n-12');
  await expect(checkpoint.update((record) => ({ ...record, percentComplete: 1 }))).rejects.toMatchObject({
    field: 'facts.a.0.b',
  });
  await checkpoint.update(fact('env:TOKEN'));
  await expect(checkpoint.ledger.register('file', '/run/token-1234')).rejects.toMatchObject({
    field: 'ledger.0.resourceId',
  });
  expect(checkpoint.record.facts).toEqual({ a: [{ b: 'env:TOKEN' }] });
  await checkpoint.close();
});

test('a number is a secret only as a whole', async () => {
  const checkpoint = await openCheckpoint({
    directory: tempDirectory(),
    buildId: 'a',
    secretValues: () => ['4711'],
  });
  await checkpoint.update((record) => ({ ...record, facts: { sizeBytes: 94711 } }));
  await expect(checkpoint.update((record) => ({ ...record, facts: { pin: 4711 } }))).rejects.toMatchObject({
    field: 'facts.pin',
  });
  await checkpoint.close();
});

test('a short or everyday secret does not stop a record that does not hold it', async () => {
  const secretValues = () => ['', 'a', 'abc', 'done', 'true', 'state', '2026', '0000'];
  const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'abc-1', secretValues });
  await checkpoint.update((record) => ({
    ...record,
    facts: { abc: true },
    phases: { disk: phaseRecord({ artifacts: [{ ...artifact, sha256: '0'.repeat(64) }] }) },
  }));
  await checkpoint.close();
});

test('a long secret is found in a digest too', async () => {
  const hex = 'c0ffee'.repeat(11).slice(0, 64);
  const checkpoint = await openCheckpoint({
    directory: tempDirectory(),
    buildId: 'a',
    secretValues: () => [hex],
  });
  await expect(checkpoint.update(phase({ inputsKey: hex }))).rejects.toMatchObject({
    field: 'phases.disk.inputsKey',
  });
  await checkpoint.close();
});

test('a secret in the name of a wrong field is not in the message', async () => {
  const checkpoint = await openCheckpoint({
    directory: tempDirectory(),
    buildId: 'a',
    secretValues: () => ['hunter 2'],
  });
  const refused = checkpoint.update((record) => ({ ...record, phases: { 'hunter 2': phaseRecord() } }));
  await expect(refused).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  const error: unknown = await refused.catch((thrown: unknown) => thrown);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter 2');
  await checkpoint.close();
});
