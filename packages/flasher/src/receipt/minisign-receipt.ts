import { basename } from 'node:path';
import type { SigningKey, VerificationKey } from '@osforge/disk-image';
import { ReceiptError } from '../errors.ts';
import { parseReceipt, type FlashReceipt } from './receipt.ts';

/**
 * The detached signature of a receipt as minisign checks it: `minisign -V -p KEY -m RECEIPT`. Its trusted comment has the
 * time at which the target was complete, and the name of the receipt.
 *
 * @param key of readSigningKey of disk-image, or the text of a secret key of minisign without a password
 * @throws ReceiptError if the key is none
 */
export async function minisignReceipt(text: string, path: string, key: string | SigningKey): Promise<string> {
  // Loaded only where it is needed: it weighs megabytes.
  const { minisign, readSigningKey } = await import('@osforge/disk-image');
  const signingKey = typeof key === 'string' ? readKey(() => readSigningKey(key)) : key;
  const { finishedAt } = parseReceipt(text);
  // minisign refuses what cannot be printed.
  const name = basename(path).replace(/[^ -~]/g, '_');
  const comment = `timestamp:${Math.floor(Date.parse(finishedAt) / 1000)}\tfile:${name}`;
  return minisign(Buffer.from(text), signingKey, comment);
}

/**
 * The receipt, if a `.minisig` is that of the key over it.
 * @param publicKey of readVerificationKey of disk-image, or the text that it reads: a public key of minisign, or in PEM
 * @throws ReceiptError
 */
export async function verifyMinisignedReceipt(
  text: string,
  signature: string,
  publicKey: string | VerificationKey,
): Promise<FlashReceipt> {
  const { readVerificationKey, SignatureError, verifyMinisign } = await import('@osforge/disk-image');
  const key = typeof publicKey === 'string' ? readKey(() => readVerificationKey(publicKey)) : publicKey;
  try {
    verifyMinisign(Buffer.from(text), signature, key);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    const message = `${error.message}: do not trust this receipt`;
    throw new ReceiptError(message, { reason: 'signature' }, { cause: error });
  }
  return parseReceipt(text);
}

function readKey<Key>(read: () => Key): Key {
  try {
    return read();
  } catch {
    // The parser's error is not handed on: it may quote the key.
    throw new ReceiptError(
      'the key is neither Ed25519 in PEM nor of minisign without a password: give one of them',
      { reason: 'format' },
    );
  }
}
