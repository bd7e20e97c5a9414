import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flashImage, signReceipt, verifyReceipt, writeReceipt } from '@osforge/flasher';
import { image, mebibyte, scratch, selected, tool } from './scratch.ts';

test('a signed receipt holds for openssl too, and one that was changed does not', async () => {
  const folder = scratch();
  const [result] = await flashImage({
    source: { path: image(folder, mebibyte) },
    targets: [await selected(join(folder, 'target'))],
    date: () => new Date('2026-11-21T08:00:00Z'),
  });
  if (result?.ok !== true) throw result?.error ?? new Error('no result');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const path = join(folder, 'receipt.json');
  await writeReceipt(path, result.receipt, pem);

  const text = readFileSync(path, 'utf8');
  const signature = readFileSync(`${path}.sig`);
  const read = verifyReceipt(text, signature, publicPem);
  expect(read.startedAt).toBe('2026-11-21T08:00:00.000Z');
  expect(read.image.sizeBytes).toBe(mebibyte);
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(result.receipt)));
  writeFileSync(join(folder, 'key.pem'), publicPem);
  const openssl = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', join(folder, 'key.pem')];
  expect(tool('openssl', ...openssl, '-in', path, '-sigfile', `${path}.sig`)).toContain('Successfully');

  expect(() => verifyReceipt(text.replace('"wroteBytes"', '"wroteByte5"'), signature, publicPem)).toThrow(
    expect.objectContaining({ code: 'FLASHER_RECEIPT', fields: { reason: 'signature' } }),
  );
});

test('refuses keys of another kind, and does not quote them', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(() => signReceipt('{}', privateKey)).toThrow(/the key is ec: give an Ed25519 key/);
  expect(() => signReceipt('{}', 'hunter2')).toThrow(/no PEM key/);
  try {
    signReceipt('{}', 'hunter2');
  } catch (error) {
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  }
});
