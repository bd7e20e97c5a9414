import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { SignatureError } from '../errors.ts';

/** A key that signs; holds the secret, so keep it out of logs. */
export interface SigningKey {
  readonly keyId: Buffer;
  readonly privateKey: KeyObject;
}

/** A key that signatures are checked with. */
export interface VerificationKey {
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
}

// DER of an ed25519 key up to its 32 bytes (RFC 8410).
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Reads a secret key: an unencrypted one of minisign (`minisign -G -W`), or ed25519 as PKCS #8 in PEM. The id of the
 * latter is made from its public key. No error holds anything of the text.
 * @throws SignatureError
 */
export function readSigningKey(text: string): SigningKey {
  if (text.includes('-----BEGIN')) return fromPem(text);
  const bytes = Buffer.from(keyLine(text), 'base64');
  if (bytes.length !== 158 || bytes.toString('latin1', 0, 2) !== 'Ed')
    throw new SignatureError('secret key', 'it is neither a secret key of minisign nor PKCS #8 in PEM');
  if (bytes.readUInt16LE(2) !== 0)
    throw new SignatureError(
      'secret key',
      'it is encrypted with a password: make one without (minisign -G -W), or take its password away (minisign -C -W)',
    );
  const keyId = bytes.subarray(54, 62);
  const privateKey = fromDer(bytes.subarray(62, 94));
  // minisign keeps the public key behind the seed: a damaged text is noticed.
  if (!rawPublicKey(privateKey).equals(bytes.subarray(94, 126)))
    throw new SignatureError('secret key', 'it is damaged: its two halves do not belong together');
  return { keyId, privateKey };
}

function fromDer(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
}

function fromPem(text: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: text, format: 'pem' });
  } catch {
    // The cause could quote the text.
    throw new SignatureError('secret key', 'it is no unencrypted PKCS #8 in PEM');
  }
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new SignatureError(
      'secret key',
      `it is of type ${privateKey.asymmetricKeyType ?? 'unknown'}, not ed25519`,
    );
  return { keyId: keyIdOf(rawPublicKey(privateKey)), privateKey };
}

function publicFromPem(text: string): VerificationKey {
  // A secret key would do too, and has no place where only the public one is needed.
  if (text.includes('PRIVATE KEY'))
    throw new SignatureError('public key', 'it is a secret key: give the public one (openssl pkey -pubout)');
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: text, format: 'pem' });
  } catch (cause) {
    throw new SignatureError('public key', 'its PEM is damaged', { cause });
  }
  if (publicKey.asymmetricKeyType !== 'ed25519')
    throw new SignatureError(
      'public key',
      `it is of type ${publicKey.asymmetricKeyType ?? 'unknown'}, not ed25519`,
    );
  return { keyId: keyIdOf(rawOf(publicKey)), publicKey };
}

const rawPublicKey = (privateKey: KeyObject): Buffer => rawOf(createPublicKey(privateKey));

const rawOf = (publicKey: KeyObject): Buffer =>
  publicKey.export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length);

/** PEM has none. */
const keyIdOf = (rawKey: Buffer): Buffer => blake2b(rawKey).subarray(0, 8);

/** The public key of a secret one, as minisign writes it to a file. */
export function publicKeyText({ keyId, privateKey }: SigningKey): string {
  const bytes = Buffer.concat([Buffer.from('Ed'), keyId, rawPublicKey(privateKey)]);
  return `untrusted comment: minisign public key ${idText(keyId)}\n${bytes.toString('base64')}\n`;
}

/**
 * Reads a public key: minisign's file, or its line of base64 alone; or ed25519 in PEM (`openssl pkey -pubout`), which is
 * that of a secret key in PEM.
 * @throws SignatureError
 */
export function readVerificationKey(text: string): VerificationKey {
  if (text.includes('-----BEGIN')) return publicFromPem(text);
  const bytes = Buffer.from(keyLine(text), 'base64');
  if (bytes.length !== 42 || bytes.toString('latin1', 0, 2) !== 'Ed')
    throw new SignatureError('public key', 'it is neither a public key of minisign nor one in PEM');
  const der = Buffer.concat([publicPrefix, bytes.subarray(10)]);
  return {
    keyId: bytes.subarray(2, 10),
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  };
}

/** The first line that is no comment. */
function keyLine(text: string): string {
  return text.split(/\r?\n/).find((line) => line !== '' && !line.startsWith('untrusted comment:')) ?? '';
}

/**
 * A detached signature over `content` as minisign writes and checks it (prehashed with BLAKE2b-512).
 * @param trustedComment one line, signed as well
 */
export function minisign(content: Uint8Array, key: SigningKey, trustedComment: string): string {
  if (/[\r\n]/.test(trustedComment)) throw new SignatureError('trusted comment', 'it has more than one line');
  const signature = signBytes(null, blake2b(content), key.privateKey);
  const whole = signBytes(null, Buffer.concat([signature, Buffer.from(trustedComment)]), key.privateKey);
  const head = Buffer.concat([Buffer.from('ED'), key.keyId, signature]);
  return `untrusted comment: signature of osforge\n${head.toString('base64')}\ntrusted comment: ${trustedComment}\n${whole.toString('base64')}\n`;
}

/**
 * Checks a signature of minisign, also of the older kind that is not prehashed; gives the trusted comment.
 * @throws SignatureError that says what does not hold
 */
export function verifyMinisign(content: Uint8Array, signatureText: string, key: VerificationKey): string {
  const [, head = '', comment = '', whole = ''] = signatureText.split(/\r?\n/);
  const bytes = Buffer.from(head, 'base64');
  const algorithm = bytes.toString('latin1', 0, 2);
  const prefix = 'trusted comment: ';
  if (bytes.length !== 74 || (algorithm !== 'ED' && algorithm !== 'Ed') || !comment.startsWith(prefix))
    throw new SignatureError('signature', 'it is no signature of minisign');
  const keyId = bytes.subarray(2, 10);
  if (!keyId.equals(key.keyId))
    throw new SignatureError(
      'signature',
      `it is of key ${idText(keyId)}, but the public key is ${idText(key.keyId)}`,
    );
  const signature = bytes.subarray(10);
  const signed = algorithm === 'ED' ? blake2b(content) : content;
  if (!verifyBytes(null, signed, key.publicKey, signature))
    throw new SignatureError('signature', 'it does not fit the content: one of both was changed');
  const trusted = comment.slice(prefix.length);
  const both = Buffer.concat([signature, Buffer.from(trusted)]);
  if (!verifyBytes(null, both, key.publicKey, Buffer.from(whole, 'base64')))
    throw new SignatureError('trusted comment', 'it was changed');
  return trusted;
}

function blake2b(content: Uint8Array): Buffer {
  return createHash('blake2b512').update(content).digest();
}

/** As minisign prints it: a number, little-endian. */
function idText(keyId: Buffer): string {
  return Buffer.from(keyId).reverse().toString('hex').toUpperCase();
}
