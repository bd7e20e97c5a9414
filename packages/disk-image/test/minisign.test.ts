import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  minisign,
  publicKeyText,
  readSigningKey,
  readVerificationKey,
  SignatureError,
  verifyImage,
  verifyMinisign,
} from '@osforge/disk-image';
import { expect, test } from 'vitest';
import { makeSampleDisk } from './sample-disk.ts';
import { seededRandom, tempFolder, tool, toolExit } from './temp.ts';

async function keys(folder: string): Promise<{ secret: string; publicFile: string; secretFile: string }> {
  const [publicFile, secretFile] = [join(folder, 'key.pub'), join(folder, 'key.sec')];
  await tool('minisign', '-G', '-W', '-p', publicFile, '-s', secretFile);
  return { secret: await readFile(secretFile, 'utf8'), publicFile, secretFile };
}

test('minisign checks what is signed with its own key and with a PEM, and refuses what was changed', async () => {
  const folder = await tempFolder();
  const { secret, publicFile } = await keys(folder);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const file = join(folder, 'SHA256SUMS');
  await writeFile(file, 'content\n');
  for (const text of [secret, pem]) {
    const key = readSigningKey(text);
    const own = join(folder, 'own.pub');
    await writeFile(own, publicKeyText(key));
    if (text === secret)
      expect((await readFile(own, 'utf8')).split('\n')[1]).toBe(
        (await readFile(publicFile, 'utf8')).split('\n')[1],
      );
    const signature = minisign(await readFile(file), key, 'osforge demo');
    await writeFile(`${file}.minisig`, signature);
    expect(await tool('minisign', '-V', '-p', own, '-m', file)).toContain('osforge demo');
    await writeFile(file, 'Content\n');
    expect((await toolExit('minisign', '-V', '-p', own, '-m', file)).code).not.toBe(0);
    await writeFile(file, 'content\n');
    expect(signature).not.toContain(text.trim().split('\n').at(-1));
  }
});

test('what minisign signs is checked, of both kinds', async () => {
  const folder = await tempFolder();
  const { secretFile, publicFile } = await keys(folder);
  const file = join(folder, 'file');
  await writeFile(file, 'text');
  for (const kind of ['-H', '-l']) {
    await tool('minisign', '-S', kind, '-s', secretFile, '-m', file, '-t', 'trusted words');
    const signature = await readFile(`${file}.minisig`, 'utf8');
    const key = readVerificationKey(await readFile(publicFile, 'utf8'));
    expect(verifyMinisign(Buffer.from('text'), signature, key)).toBe('trusted words');
    expect(() => verifyMinisign(Buffer.from('Text'), signature, key)).toThrow(/does not fit/);
    expect(() => verifyMinisign(Buffer.from('text'), signature.replace('words', 'wordz'), key)).toThrow(
      /trusted comment/,
    );
    const random = seededRandom(4);
    for (let round = 0; round < 200; round += 1) {
      const at = signature.indexOf('\n') + 1 + random(signature.length - signature.indexOf('\n') - 1);
      const bad = `${signature.slice(0, at)}${String.fromCharCode(33 + random(90))}${signature.slice(at + 1)}`;
      try {
        expect(verifyMinisign(Buffer.from('text'), bad, key)).toBe('trusted words');
      } catch (error) {
        expect(error).toBeInstanceOf(SignatureError);
      }
    }
  }
});

test('keys that cannot be used are refused, and nothing of them is told', async () => {
  const folder = await tempFolder();
  const { secret } = await keys(folder);
  const line = secret.split('\n')[1] ?? '';
  const bytes = Buffer.from(line, 'base64');
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  const encrypted = Buffer.from(line, 'base64');
  encrypted.write('Sc', 2);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const [text, message] of [
    ['', /neither/],
    [`x\n${bytes.toString('base64')}`, /neither/],
    [bytes.toString('base64'), /damaged/],
    [encrypted.toString('base64'), /password/],
    [`-----BEGIN PRIVATE KEY-----\n${line}\n-----END PRIVATE KEY-----\n`, /PEM/],
    [ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), /not ed25519/],
  ] as const) {
    expect(() => readSigningKey(text)).toThrow(message);
    try {
      readSigningKey(text);
    } catch (error) {
      expect(error).toBeInstanceOf(SignatureError);
      expect(JSON.stringify(error) + String(error)).not.toContain(line.slice(10, 30));
    }
  }
  for (const [text, message] of [
    ['nonsense', /neither/],
    [ec.publicKey.export({ format: 'pem', type: 'spki' }).toString(), /not ed25519/],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /damaged/],
    [ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), /secret key: give the public one/],
  ] as const) {
    expect(() => readVerificationKey(text)).toThrow(SignatureError);
    expect(() => readVerificationKey(text)).toThrow(message);
  }
});

test('what is signed with a key in PEM is checked with the public key that openssl makes of it', async () => {
  const folder = await tempFolder();
  const secretFile = join(folder, 'key.pem');
  await tool('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', secretFile);
  const publicPem = await tool('openssl', 'pkey', '-in', secretFile, '-pubout');
  const signature = minisign(
    Buffer.from('text'),
    readSigningKey(await readFile(secretFile, 'utf8')),
    'trusted words',
  );
  const key = readVerificationKey(publicPem);
  expect(verifyMinisign(Buffer.from('text'), signature, key)).toBe('trusted words');
  expect(() => verifyMinisign(Buffer.from('Text'), signature, key)).toThrow(/does not fit/);
});

test('an image is signed by its list of checksums', async () => {
  const folder = await tempFolder();
  const { path } = await makeSampleDisk(folder, 'disk.raw');
  const { secretFile, publicFile } = await keys(folder);
  const publicKey = await readFile(publicFile, 'utf8');
  const sums = join(folder, 'SHA256SUMS');
  const verdict = async (): Promise<string | undefined> =>
    (await verifyImage(path, { publicKey })).checks.find(({ name }) => name === 'signature')?.detail;
  expect(await verdict()).toMatch(/nothing vouches for it/);
  await writeFile(sums, (await tool('sha256sum', path)).replace(path, 'disk.raw'));
  expect(await verdict()).toMatch(/there is no .*SHA256SUMS\.minisig/);
  await tool('minisign', '-S', '-s', secretFile, '-m', sums, '-t', 'release 1');
  expect(await verdict()).toMatch(/SHA256SUMS\.minisig: release 1$/);
  expect((await verifyImage(path, { publicKey })).ok).toBe(true);
  await writeFile(sums, `${await readFile(sums, 'utf8')}\n`);
  expect(await verdict()).toMatch(/does not fit the content/);
  expect((await verifyImage(path, { publicKey })).ok).toBe(false);
});
