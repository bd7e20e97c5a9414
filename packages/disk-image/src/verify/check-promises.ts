import { stat } from 'node:fs/promises';
import type { Promises } from './checksum-lists.ts';
import type { VerifyCheck } from './verify-check.ts';

/** Holds the file against the lists beside it. */
export async function checkPromises(
  file: string,
  promises: Promises,
  fileSha256: Promise<string> | undefined,
): Promise<VerifyCheck[]> {
  const name = 'checksums';
  const remarks = promises.remarks.map((detail): VerifyCheck => ({ name, status: 'note', detail }));
  if (fileSha256 === undefined)
    return [...remarks, { name, status: 'note', detail: 'no list beside the image names it' }];
  const { size } = await stat(file);
  return [...remarks, ...checkFile(promises.file, size, await fileSha256)];
}

function checkFile(promised: Promises['file'], size: number, sha256: string): VerifyCheck[] {
  return promised.map((promise): VerifyCheck => {
    const { source } = promise;
    if (promise.sizeBytes !== undefined && promise.sizeBytes !== size)
      return {
        name: 'checksums',
        status: 'failed',
        detail: `${source} says ${promise.sizeBytes} bytes, but the file has ${size}`,
      };
    return promise.sha256 === sha256
      ? { name: 'checksums', status: 'ok', detail: `SHA-256 as in ${source}` }
      : {
          name: 'checksums',
          status: 'failed',
          detail: `${source} says SHA-256 ${promise.sha256}, but the file has ${sha256}`,
        };
  });
}
