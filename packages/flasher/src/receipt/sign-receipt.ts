import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { ReceiptError } from '../errors.ts';
import { type FlashReceipt, parseReceipt } from './receipt.ts';

/**
 * The detached Ed25519 signature (RFC 8032, 64 bytes) of a receipt's bytes:
 * `openssl pkeyutl -verify -rawin -pubin -inkey KEY -in RECEIPT -sigfile SIGNATURE` checks it too.
 *
 * @param privateKey PKCS #8 in PEM, or a key of node:crypto; resolve a secret reference before the call
 * @throws ReceiptError if the key is no Ed25519 key
 */
export function signReceipt(text: string, privateKey: string | KeyObject): Buffer {
  const key = typeof privateKey === 'string' ? readKey(() => createPrivateKey(privateKey)) : privateKey;
  assertEd25519(key);
  return sign(undefined, Buffer.from(text), key);
}

/** The receipt of a `.sig`. @throws ReceiptError if the signature is not of this key over these bytes */
export function verifyReceipt(
  text: string,
  signature: Uint8Array,
  publicKey: string | KeyObject,
): FlashReceipt {
  const key = typeof publicKey === 'string' ? readKey(() => createPublicKey(publicKey)) : publicKey;
  assertEd25519(key);
  if (!verify(undefined, Buffer.from(text), key, signature))
    throw new ReceiptError('the signature is not that of the key over this receipt: do not trust it', {
      reason: 'signature',
    });
  return parseReceipt(text);
}

function assertEd25519(key: KeyObject): void {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new ReceiptError(`the key is ${String(key.asymmetricKeyType)}: give an Ed25519 key`, {
      reason: 'format',
    });
}

function readKey(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    // The parser's error is not handed on: it may quote the key.
    throw new ReceiptError('the key is no PEM key: give an Ed25519 key in PKCS #8', { reason: 'format' });
  }
}
