import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSigningKey } from '@osforge/disk-image';
import {
  flashImage,
  type FlashReceipt,
  signReceipt,
  verifyMinisignedReceipt,
  verifyReceipt,
  writeReceipt,
} from '@osforge/flasher';
import { image, mebibyte, scratch, selected, tool } from './scratch.ts';

async function receiptIn(folder: string): Promise<FlashReceipt> {
  const [result] = await flashImage({
    source: { path: image(folder, mebibyte) },
    targets: [await selected(join(folder, 'target'))],
    date: () => new Date('2026-11-21T08:00:00Z'),
  });
  if (result?.ok !== true) throw result?.error ?? new Error('no result');
  return result.receipt;
}

test('a signed receipt holds for openssl too, and one that was changed does not', async () => {
  const folder = scratch();
  const receipt = await receiptIn(folder);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const path = join(folder, 'receipt.json');
  await writeReceipt(path, receipt, pem);

  const text = readFileSync(path, 'utf8');
  const signature = readFileSync(`${path}.sig`);
  const read = verifyReceipt(text, signature, publicPem);
  expect(read.startedAt).toBe('2026-11-21T08:00:00.000Z');
  expect(read.image.sizeBytes).toBe(mebibyte);
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(receipt)));
  writeFileSync(join(folder, 'key.pem'), publicPem);
  const openssl = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', join(folder, 'key.pem')];
  expect(tool('openssl', ...openssl, '-in', path, '-sigfile', `${path}.sig`)).toContain('Successfully');

  expect(() => verifyReceipt(text.replace('"wroteBytes"', '"wroteByte5"'), signature, publicPem)).toThrow(
    expect.objectContaining({ code: 'FLASHER_RECEIPT', fields: { reason: 'signature' } }),
  );
});

test('with a key of minisign there is a signature that minisign accepts, and none of an earlier key', async () => {
  const folder = scratch();
  const receipt = await receiptIn(folder);
  const [publicFile, secretFile] = [join(folder, 'key.pub'), join(folder, 'key')];
  tool('minisign', '-G', '-W', '-p', publicFile, '-s', secretFile);
  const secret = readFileSync(secretFile, 'utf8');
  const path = join(folder, 'sdb\u00e4.receipt.json');
  await writeReceipt(path, receipt, generateKeyPairSync('ed25519').privateKey);
  for (const key of [secret, readSigningKey(secret)]) {
    await writeReceipt(path, receipt, key);
    expect(readdirSync(folder).filter((name) => name.startsWith('sdb'))).toEqual([
      'sdb\u00e4.receipt.json',
      'sdb\u00e4.receipt.json.minisig',
    ]);
    const said = tool('minisign', '-V', '-p', publicFile, '-m', path);
    expect(said).toContain(
      `Trusted comment: timestamp:${Date.parse('2026-11-21T08:00:00Z') / 1000}\tfile:sdb_.receipt.json`,
    );
  }
  const [text, signature, publicText] = [path, `${path}.minisig`, publicFile].map((file) =>
    readFileSync(file, 'utf8'),
  );
  if (text === undefined || signature === undefined || publicText === undefined) throw new Error('three');
  expect((await verifyMinisignedReceipt(text, signature, publicText)).image.sizeBytes).toBe(mebibyte);
  await expect(
    verifyMinisignedReceipt(text.replace('"wroteBytes"', '"wroteByte5"'), signature, publicText),
  ).rejects.toMatchObject({ code: 'FLASHER_RECEIPT', fields: { reason: 'signature' } });
  await expect(verifyMinisignedReceipt(text, signature, 'hunter2')).rejects.toMatchObject({
    code: 'FLASHER_RECEIPT',
    fields: { reason: 'format' },
  });

  await writeReceipt(path, receipt);
  expect(readdirSync(folder).filter((name) => name.startsWith('sdb'))).toEqual(['sdb\u00e4.receipt.json']);
  await expect(writeReceipt(path, receipt, 'hunter2')).rejects.toThrow(/give one of them$/);
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
