import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointJsonSchema, openCheckpoint } from '@osforge/checkpoint';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { prettyJson } from './pretty-json.ts';
import { phaseRecord } from './records.ts';
import { tempDirectory } from './temp-directory.ts';

const path = join(import.meta.dirname, '../schema/checkpoint.schema.json');

test('the published JSON Schema is that of the code (to renew it: npx vitest run schema -u)', async () => {
  await expect(await prettyJson(checkpointJsonSchema(), path)).toMatchFileSnapshot(path);
});

test('a validator of JSON Schema accepts what is written, and refuses what we refuse', async () => {
  // What zod makes of it is checked by another implementation.
  const validate = new Ajv2020({ strict: false }).compile(checkpointJsonSchema());
  const checkpoint = await openCheckpoint({ directory: tempDirectory(), buildId: 'a' });
  await checkpoint.update((record) => ({
    ...record,
    phases: {
      disk: phaseRecord(),
      media: phaseRecord({ state: 'skipped', reason: 'not requested', inputsKey: 'never:x' }),
    },
    facts: { any: [1, 'x', null, { deep: true }] },
  }));
  await checkpoint.ledger.register('file', '/x', { a: 1 });
  await checkpoint.close();
  const written = JSON.parse(readFileSync(checkpoint.path, 'utf8')) as object;
  expect(validate(written), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...written, version: 1 })).toBe(false);
  expect(validate({ ...written, password: 'x' })).toBe(false);
  expect(validate({ ...written, buildId: '../a' })).toBe(false);
  expect(validate({ ...written, percentComplete: 101 })).toBe(false);
  const escaping = phaseRecord().artifacts.map((artifact) => ({ ...artifact, path: 'a/../../b' }));
  expect(validate({ ...written, phases: { disk: phaseRecord({ artifacts: escaping }) } })).toBe(false);
});
