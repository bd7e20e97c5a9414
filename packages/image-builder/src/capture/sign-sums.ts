import { readFile } from 'node:fs/promises';
import { minisign, readSigningKey, type SigningKey } from '@osforge/disk-image';
import { writeFileDurable } from '@osforge/flush';
import type { SecretMask } from '../build/secret-mask.ts';
import { SecretFormatError } from '../recipe/secret-errors.ts';
import { resolveSecret, type SecretOptions, type SecretReference } from '../recipe/secret-reference.ts';
import { capturedFile, type CapturedFile } from './manifest.ts';

/**
 * The key behind a reference. What it is goes to `secrets`, which masks it wherever text leaves the build.
 * @throws SecretFormatError where it is no key, and what resolveSecret throws
 */
export async function resolveSigningKey(
  reference: SecretReference,
  options: SecretOptions,
  secrets?: SecretMask,
): Promise<SigningKey> {
  const value = await resolveSecret(reference, options);
  secrets?.add(value);
  try {
    return readSigningKey(value);
  } catch {
    // No cause: nothing that has seen the key goes on from here.
    throw new SecretFormatError(
      reference,
      'a secret key of minisign without a password (minisign -G -W), or ed25519 as PKCS #8 in PEM',
    );
  }
}

/** Whether a signature file was made by `signSums`: whoever signs by hand has another trusted comment. */
export function isSignatureOfBuild(text: string): boolean {
  return /^trusted comment: timestamp:\d+\tfile:SHA256SUMS\timage:/m.test(text);
}

/** Writes `SHA256SUMS.minisig` beside the list; its trusted comment names the image and, as its time, the epoch. */
export async function signSums(
  sums: CapturedFile,
  key: SigningKey,
  { name, sourceDateEpoch }: { readonly name: string; readonly sourceDateEpoch: number },
  signal: AbortSignal,
): Promise<CapturedFile> {
  const comment = `timestamp:${sourceDateEpoch}\tfile:${sums.name}\timage:${name}`;
  const target = `${sums.path}.minisig`;
  await writeFileDurable(target, minisign(await readFile(sums.path), key, comment));
  return capturedFile(target, signal);
}
