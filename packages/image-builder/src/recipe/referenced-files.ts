import { scrypt } from 'node:crypto';
import { isSecretReference, resolveSecret } from './secret-reference.ts';

/**
 * A digest of each file that the `file:` references among `values` lead to, by reference, for the key of a phase: what
 * was made from another content is made again. The digest goes into a record, so it is a slow one (scrypt with the
 * reference as its salt): a short secret cannot be guessed from it in bulk. Null where there is nothing to read; the
 * phase itself then says why. `env:` references have none: a value may be another one in each run, or be given only
 * when it is needed.
 */
export async function referencedFiles(
  values: readonly string[],
  directory: string,
): Promise<Record<string, string | null>> {
  const references = [...new Set(values)]
    .filter(isSecretReference)
    .filter((value) => value.startsWith('file:'));
  const digests = await Promise.all(
    references.sort().map(async (reference): Promise<[string, string | null]> => {
      const content = await resolveSecret(reference, { directory }).catch(() => undefined);
      return [reference, content === undefined ? null : await slowDigest(content, reference)];
    }),
  );
  return Object.fromEntries(digests);
}

function slowDigest(content: string, salt: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(content, salt, 32, (error, key) => {
      if (error) reject(error);
      else resolve(key.toString('hex'));
    });
  });
}
