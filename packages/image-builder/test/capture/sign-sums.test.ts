import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { publicKeyText, readSigningKey } from '@osforge/disk-image';
import { expect, onTestFinished, test } from 'vitest';
import { SecretMask } from '../../src/build/secret-mask.ts';
import { capturedFile } from '../../src/capture/manifest.ts';
import { resolveSigningKey, signSums } from '../../src/capture/sign-sums.ts';
import { capturePhase } from '../../src/phases/capture.ts';
import { checkSecrets } from '../../src/phases/check-secrets.ts';
import { environmentOf, inputsOf } from '../phases/environment.ts';

const execute = promisify(execFile);
const signal = new AbortController().signal;

async function folderOf(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'osforge-sign-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('minisign checks the signature of a key from a file and of one from a variable', async () => {
  const folder = await folderOf();
  await execute('minisign', [
    '-G',
    '-W',
    '-p',
    path.join(folder, 'key.pub'),
    '-s',
    path.join(folder, 'key.sec'),
  ]);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await writeFile(path.join(folder, 'pem.pub'), publicKeyText(readSigningKey(pem)));
  await writeFile(path.join(folder, 'SHA256SUMS'), 'sums\n');
  const sums = await capturedFile(path.join(folder, 'SHA256SUMS'), signal);
  for (const [reference, publicKey] of [
    ['file:key.sec', 'key.pub'],
    ['env:KEY', 'pem.pub'],
  ] as const) {
    const secrets = new SecretMask();
    const key = await resolveSigningKey(reference, { directory: folder, env: { KEY: pem } }, secrets);
    const made = await signSums(sums, key, { name: 'demo', sourceDateEpoch: 1_750_000_000 }, signal);
    expect(made.name).toBe('SHA256SUMS.minisig');
    const { stdout } = await execute('minisign', ['-V', '-p', path.join(folder, publicKey), '-m', sums.path]);
    expect(stdout).toContain('timestamp:1750000000\tfile:SHA256SUMS\timage:demo');
    // The text of the key is masked from now on.
    const text = reference === 'env:KEY' ? pem : await readFile(path.join(folder, 'key.sec'), 'utf8');
    const secret = text.trim().split('\n')[1] ?? '';
    expect(secrets.mask(`it is ${secret}.`)).toBe('it is ***.');
  }
});

test('a key that is none is told before the build begins, by its reference alone', async () => {
  const folder = await folderOf();
  await writeFile(path.join(folder, 'key.sec'), 'no-key-at-all', { mode: 0o600 });
  const lines = 'capture:\n  sign:\n    key: file:key.sec\n';
  const environment = await environmentOf(folder, lines);
  const error: unknown = await checkSecrets(environment).catch((reason: unknown) => reason);
  expect(String(error)).toMatch(/file:key\.sec.*secret key of minisign/);
  expect(String(error)).not.toContain('no-key-at-all');
});

test('another key in the file makes the phase run again; what decides that does not hold the key', async () => {
  const folder = await folderOf();
  const lines = 'capture:\n  sign:\n    key: file:key.sec\n';
  const inputs: string[] = [];
  for (const content of ['first-secret', 'other-secret']) {
    await writeFile(path.join(folder, 'key.sec'), content, { mode: 0o600 });
    inputs.push(JSON.stringify(await inputsOf(capturePhase(await environmentOf(folder, lines)))));
  }
  expect(inputs[0]).not.toBe(inputs[1]);
  expect(inputs.join()).not.toContain('-secret');
  expect(JSON.stringify(await inputsOf(capturePhase(await environmentOf(folder))))).not.toContain('sign');
});
