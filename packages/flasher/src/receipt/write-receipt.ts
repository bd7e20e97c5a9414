import { KeyObject } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { SigningKey } from '@osforge/disk-image';
import { writeFileDurable } from '@osforge/flush';
import { minisignReceipt } from './minisign-receipt.ts';
import { type FlashReceipt, formatReceipt } from './receipt.ts';
import { signReceipt } from './sign-receipt.ts';

/**
 * What receipts are signed with, Ed25519: PKCS #8 in PEM or a key of node:crypto, which gives the `.sig` that openssl
 * checks; or a secret key of minisign, as text or as readSigningKey of disk-image gives it, for the `.minisig` that
 * minisign checks. Neither program reads the keys of the other.
 */
export type ReceiptKey = string | KeyObject | SigningKey;

const suffixes = ['.sig', '.minisig'] as const;

/**
 * Stores a receipt, and its signature as `<path>.sig` or `<path>.minisig` if a key is given; both durably. Signatures of
 * what was there before are removed.
 * @throws ReceiptError if the key is none
 */
export async function writeReceipt(path: string, receipt: FlashReceipt, key?: ReceiptKey): Promise<void> {
  const text = formatReceipt(receipt);
  const signature = key === undefined ? undefined : await signatureOf(text, path, key);
  // The signature first: no receipt is ever there without the one that belongs to it.
  if (signature !== undefined) await writeFileDurable(`${path}${signature.suffix}`, signature.content);
  await writeFileDurable(path, text);
  for (const suffix of suffixes)
    if (suffix !== signature?.suffix) await rm(`${path}${suffix}`, { force: true });
}

async function signatureOf(
  text: string,
  path: string,
  key: ReceiptKey,
): Promise<{ readonly suffix: (typeof suffixes)[number]; readonly content: Buffer | string }> {
  if (key instanceof KeyObject || (typeof key === 'string' && key.includes('-----BEGIN')))
    return { suffix: '.sig', content: signReceipt(text, key) };
  return { suffix: '.minisig', content: await minisignReceipt(text, path, key) };
}
