import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import {
  resolveAuthorizedKeys,
  resolvePasswordHash,
  resolveSecret,
} from '../../src/recipe/secret-reference.ts';
import { folderWith } from './folder.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPk0yQ4yZcM1tX2nJqg0d0kq0m1v3mJw1bLQwq2m3n4o op@host';
const hash = '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7';

test('a variable is resolved, one newline at its end removed', async () => {
  expect(await resolveSecret('env:A', { env: { A: 'x\n\n' }, directory: '/' })).toBe('x\n');
});

test('a file is resolved relative to the folder', async () => {
  const directory = await folderWith({ 'secrets/pass': `${hash}\n` });
  await chmod(join(directory, 'secrets/pass'), 0o600);
  expect(await resolvePasswordHash('file:secrets/pass', { directory })).toBe(hash);
});

test('missing and empty secrets are typed', async () => {
  const directory = await folderWith({ empty: '\n' });
  await chmod(join(directory, 'empty'), 0o600);
  for (const reference of ['env:NOT_SET', 'env:EMPTY', 'file:gone', 'file:empty'] as const)
    await expect(resolveSecret(reference, { env: { EMPTY: '' }, directory })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      reference,
    });
});

test('a file that everybody can read is refused', async () => {
  const directory = await folderWith({ open: 'hunter2' });
  await chmod(join(directory, 'open'), 0o644);
  const error: unknown = await resolveSecret('file:open', { directory }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'SECRET_TOO_OPEN', mode: 0o644 });
  expect(inspect(error)).not.toContain('hunter2');
});

test('a folder and a named pipe are refused without waiting', async () => {
  const directory = await folderWith({});
  await mkdir(join(directory, 'folder'));
  execFileSync('mkfifo', ['-m', '600', join(directory, 'pipe')]);
  for (const reference of ['file:folder', 'file:pipe'] as const)
    await expect(resolveSecret(reference, { directory })).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
    });
});

test.each(['hunter2', `${hash}\nhunter2`, '$1$abc$hunter2hunter2', `${hash}:0:0`])(
  'the password %j is no hash, and is not in the error',
  async (value) => {
    const error: unknown = await resolvePasswordHash('env:P', { env: { P: value }, directory: '/' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'SECRET_FORMAT', reference: 'env:P' });
    expect(inspect(error)).not.toContain('hunter2');
    expect(inspect(error)).not.toContain(hash);
  },
);

test('keys come from the recipe, variables and files with several lines', async () => {
  const directory = await folderWith({});
  await writeFile(join(directory, 'keys'), `# mine\n${key}\n\n${key}2\n`, { mode: 0o600 });
  const keys = await resolveAuthorizedKeys([key, 'env:KEY', 'file:keys'], { env: { KEY: key }, directory });
  expect(keys).toEqual([key, key, key, `${key}2`]);
});

test('a private key is refused and not repeated', async () => {
  const env = { KEY: '-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n' };
  const error: unknown = await resolveAuthorizedKeys(['env:KEY'], { env, directory: '/' }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'SECRET_FORMAT' });
  expect(inspect(error)).not.toContain('hunter2');
});
