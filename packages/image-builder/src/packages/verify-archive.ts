import { stat } from 'node:fs/promises';
import { hashFile } from '@osforge/flush';

/** Whether a file is there with the size and SHA-256 of the index. */
export async function hasDigest(
  path: string,
  { sizeBytes, sha256 }: { sizeBytes: number; sha256: string },
  signal?: AbortSignal,
): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() !== true || status.size !== sizeBytes) return false;
  const digest = await hashFile(path, signal === undefined ? {} : { signal });
  return digest.sha256 === sha256;
}
