import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SecretMask } from '../../src/build/secret-mask.ts';
import { forgetSecrets } from '../../src/machine/forget-secrets.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-forget-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('what a guest printed of a secret is taken out of the log, other bytes stay as they are', async () => {
  const log = path.join(folder, 'console.log');
  const other = Buffer.from([0xff, 0x00, 0xc3, 0x0a]);
  await writeFile(log, Buffer.concat([other, Buffer.from('password pässword1 here\r\n'), other]));
  const secrets = new SecretMask();
  secrets.add('pässword1');
  await forgetSecrets(log, secrets);
  expect(await readFile(log)).toEqual(Buffer.concat([other, Buffer.from('password *** here\r\n'), other]));
});

test('a log without secrets is not written', async () => {
  const log = path.join(folder, 'console.log');
  await writeFile(log, 'nothing\n');
  const before = await stat(log, { bigint: true });
  const secrets = new SecretMask();
  await forgetSecrets(log, secrets);
  secrets.add('hunter2hunter2');
  await forgetSecrets(log, secrets);
  expect((await stat(log, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
});
