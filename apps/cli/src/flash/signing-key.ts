import type { ReceiptKey } from '@osforge/flasher';
import { UsageError } from '../errors/usage-error.ts';
import type { Host } from '../host/host.ts';

/**
 * The Ed25519 key behind `env:NAME` or `file:PATH`, as PKCS #8 in PEM or as minisign keeps it: which of them it is decides
 * whether openssl or minisign can check what it signs.
 * @throws UsageError; nothing of the key is in it
 */
export async function readSigningKeyOf(
  reference: string,
  host: Pick<Host, 'env' | 'cwd'>,
): Promise<ReceiptKey> {
  const { isSecretReference, resolveSecret } = await import('@osforge/image-builder');
  if (!isSecretReference(reference))
    throw new UsageError(
      '--sign needs a reference to the key, env:NAME or file:PATH, and never the key itself',
    );
  const text = await resolveSecret(reference, { env: host.env, directory: host.cwd }).catch(
    (error: unknown) => {
      throw new UsageError(`--sign: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
  const { readSigningKey } = await import('@osforge/disk-image');
  try {
    const key = readSigningKey(text);
    return text.includes('-----BEGIN') ? key.privateKey : key;
  } catch {
    // No cause: nothing that has seen the key goes on from here.
    throw new UsageError(
      `--sign ${reference}: it is no Ed25519 key; give PKCS #8 in PEM, or a secret key of minisign without a password`,
    );
  }
}
