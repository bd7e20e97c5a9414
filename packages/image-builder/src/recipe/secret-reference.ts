import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formats } from './formats.ts';
import {
  SecretFormatError,
  SecretMissingError,
  SecretTooOpenError,
  SecretUnreadableError,
} from './secret-errors.ts';

/** `env:NAME` or `file:PATH`: where a secret is, never the secret. */
export type SecretReference = `env:${string}` | `file:${string}`;

/** Whether a text of a recipe is a reference; pure, looks at the prefix only. */
export function isSecretReference(text: string): text is SecretReference {
  return text.startsWith('env:') || text.startsWith('file:');
}

export interface SecretOptions {
  /** Default `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Folder that `file:` paths are relative to: the recipe's. */
  directory: string;
}

const largestSecretBytes = 64 * 1024;

/**
 * The secret behind a reference, without one newline at its end. Call it at the moment of use and
 * keep the value out of records, events and logs; no error of this function holds it. A file must
 * be regular and not readable for everybody.
 */
export async function resolveSecret(reference: SecretReference, options: SecretOptions): Promise<string> {
  const value = reference.startsWith('env:')
    ? (options.env ?? process.env)[reference.slice('env:'.length)]
    : await readSecretFile(reference, options.directory);
  if (value === undefined) throw new SecretMissingError(reference, 'the variable is not set');
  const secret = value.replace(/\r?\n$/, '');
  if (secret === '') throw new SecretMissingError(reference, 'it is empty');
  return secret;
}

async function readSecretFile(reference: SecretReference, directory: string): Promise<string> {
  const path = resolve(directory, reference.slice('file:'.length));
  try {
    // Without O_NONBLOCK opening a named pipe would wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new SecretUnreadableError(reference, 'it is not a regular file');
      if ((status.mode & 0o004) !== 0) throw new SecretTooOpenError(reference, path, status.mode & 0o777);
      if (status.size > largestSecretBytes)
        throw new SecretUnreadableError(reference, `it is larger than ${largestSecretBytes} bytes`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new SecretMissingError(reference, `there is no file ${path}`, { cause: error });
    if (code === 'EACCES' || code === 'EISDIR' || code === 'ELOOP')
      throw new SecretUnreadableError(reference, `${path} cannot be read (${code})`, { cause: error });
    throw error;
  }
}

/** crypt(5) of libxcrypt: yescrypt, gost-yescrypt, scrypt, bcrypt, SHA-512, SHA-256; nothing older. */
const cryptHash = /^\$(y|gy|7|2[aby]|6|5)\$[./A-Za-z0-9$=,]{8,}$/;

/** The crypt(3) hash behind a reference; throws {@link SecretFormatError} where it is none. */
export async function resolvePasswordHash(
  reference: SecretReference,
  options: SecretOptions,
): Promise<string> {
  const hash = await resolveSecret(reference, options);
  if (!cryptHash.test(hash))
    throw new SecretFormatError(
      reference,
      'a crypt(3) hash that starts with $y$ or $6$, as `mkpasswd --method=yescrypt` prints it',
    );
  return hash;
}

/**
 * Public key lines of a user in the recipe's order. A reference may lead to several lines; blank
 * lines and comments are left out. Anything that is not a public key throws {@link SecretFormatError}.
 */
export async function resolveAuthorizedKeys(
  values: readonly string[],
  options: SecretOptions,
): Promise<string[]> {
  const lists = await Promise.all(
    values.map(async (value) => {
      if (!isSecretReference(value)) return [value];
      const lines = (await resolveSecret(value, options)).split(/\r?\n/).map((line) => line.trim());
      const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
      if (
        keys.length === 0 ||
        keys.some((key) => isSecretReference(key) || !formats.authorizedKey.pattern.test(key))
      )
        throw new SecretFormatError(value, 'OpenSSH public keys, one a line');
      return keys;
    }),
  );
  return lists.flat();
}
