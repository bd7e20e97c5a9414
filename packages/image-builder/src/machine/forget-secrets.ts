import { readFile, writeFile } from 'node:fs/promises';
import type { SecretMask } from '../build/secret-mask.ts';

/**
 * Takes out of a console log what a guest printed of the secrets that it was given. The log is written raw
 * as it comes, where a secret may be cut in two; so this is done when the machine has ended.
 */
export async function forgetSecrets(consoleLog: string, secrets: SecretMask): Promise<void> {
  if (secrets.values().length === 0) return;
  const text = await readFile(consoleLog, 'latin1');
  // Secrets are UTF-8 and the log is whatever a guest writes: both are compared as bytes.
  const masked = secrets.mask(text, (value) => Buffer.from(value).toString('latin1'));
  if (masked !== text) await writeFile(consoleLog, masked, 'latin1');
}
