import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SignatureError } from '../errors.ts';
import { type VerificationKey, verifyMinisign } from '../signature/minisign.ts';
import { fromSums, type Promises } from './checksum-lists.ts';
import type { VerifyCheck } from './verify-check.ts';

/** A file that is not signed is a failure for whoever has a key. */
export async function checkSignature(
  file: string,
  promised: Promises['file'],
  key: VerificationKey,
): Promise<VerifyCheck> {
  const name = 'signature';
  const sums = join(dirname(file), 'SHA256SUMS');
  const list = promised.find(({ source }) => source === sums);
  if (list === undefined)
    return { name, status: 'failed', detail: `${sums} does not name the image: nothing vouches for it` };
  try {
    const [content, signature] = [await readFile(sums), await readFile(`${sums}.minisig`, 'utf8')];
    // What was compared with the image must be what is signed.
    if (fromSums(content.toString('utf8'), basename(file)) !== list.sha256)
      return { name, status: 'failed', detail: `${sums} was changed meanwhile` };
    const comment = verifyMinisign(content, signature, key);
    return { name, status: 'ok', detail: `${sums}.minisig: ${comment}` };
  } catch (error) {
    if (error instanceof SignatureError)
      return { name, status: 'failed', detail: `${sums}.minisig: ${error.message}` };
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing) throw error;
    return { name, status: 'failed', detail: `there is no ${sums}.minisig` };
  }
}
