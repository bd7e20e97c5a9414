import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '@osforge/process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bootstrap } from '../../src/phases/bootstrap.ts';
import { handOver } from '../../src/phases/hand-over.ts';
import { environmentOf } from './environment.ts';

let folder: string;
let place: string;
const { signal } = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-hand-over-'));
  place = path.join(folder, 'pipe');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('its reader gets all of a text, and nothing of it stays', async () => {
  const text = 'line\n'.repeat(100_000);
  const read = await handOver({ text, place, secrets: [], signal }, (inner) =>
    run('cat', [place], { signal: inner, maxOutputBytes: 1_000_000 }),
  );
  expect(`${read.stdout}\n`).toBe(text);
  expect(await readdir(folder)).toEqual([]);
});

test('a text that nobody reads holds nobody up', async () => {
  const use = (): Promise<string> => Promise.resolve('done');
  expect(await handOver({ text: 'x', place, secrets: [], signal }, use)).toBe('done');
  await expect(
    handOver({ text: 'x', place, secrets: [], signal }, () => Promise.reject(new Error('broken'))),
  ).rejects.toThrow('broken');
  expect(await readdir(folder)).toEqual([]);
});

test('what runs below the bootstrap finds no secret in its environment; its hook alone reads the accounts', async () => {
  const hash = '$6$salt$secretsecretsecret';
  const environment = await environmentOf(folder, 'users:\n  - name: ada\n    password: env:ADA_HASH\n');
  const output = path.join(folder, 'output');
  await run('mkdir', [output]);
  // Stands for mmdebstrap and the maintainer scripts below it.
  const fake = path.join(folder, 'mmdebstrap');
  await writeFile(
    fake,
    `#!/bin/sh\nenv >'${output}/seen'\ncat -- "$OSFORGE_ACCOUNTS" >'${output}/accounts-read'\n`,
  );
  await chmod(fake, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}:${before ?? ''}`;
  process.env['ADA_HASH'] = hash;
  try {
    await bootstrap(
      { ...environment, variables: process.env },
      {
        signal,
        upstream: () => ({
          ...{ state: 'done', inputsKey: '', startedAt: '', completedAt: '', durationMs: 0 },
          artifacts: [],
          data: {},
        }),
        progress: () => undefined,
        log: () => undefined,
        ledger: {
          register: (resourceType, resourceId) =>
            Promise.resolve({ id: '', resourceType, resourceId, registeredAt: '' }),
          release: () => Promise.resolve(),
          leftovers: () => [],
        },
      },
      {
        ...{ output, overlay: '', driverFolder: '', mkfsArguments: '', mkfsEnvironment: {} },
        ...{ epochSeconds: 0, hook: '', generalize: '' },
      },
    );
  } finally {
    if (before !== undefined) process.env['PATH'] = before;
    Reflect.deleteProperty(process.env, 'ADA_HASH');
  }
  const { stdout } = await run('cat', [path.join(output, 'accounts-read')]);
  expect(stdout).toBe(`user ada:/bin/bash::0:${hash}`);
  const seen = (await run('cat', [path.join(output, 'seen')])).stdout;
  expect(seen).toContain('OSFORGE_ACCOUNTS=');
  expect(seen).not.toContain('secretsecret');
});
