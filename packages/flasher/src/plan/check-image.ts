import { FlashSourceError } from '../errors.ts';
import { asSourceError, type SourceRequest } from '../source/open-source.ts';
import type { PlannedImage } from './plan-image.ts';

export interface CheckImageOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Compares the file with its checksums, so that a damaged download costs no target what it holds.
 *
 * @returns what to flash: with the digest of the disk inside, where it became clear that the given one is its
 * @throws FlashSourceError
 */
export async function checkImage(image: PlannedImage, options: CheckImageOptions): Promise<SourceRequest> {
  const { source, fileDigests, eitherSha256, format } = image;
  if (fileDigests.length === 0 && eitherSha256 === undefined) return source;
  const sha256 = await hash(source.path, options);
  for (const promised of fileDigests)
    if (promised.sha256 !== sha256) throw differs(source.path, sha256, promised.sha256, promised.source);
  if (eitherSha256 === undefined || eitherSha256 === sha256) return source;
  if (format === 'raw' || (source.sha256 !== undefined && source.sha256 !== eitherSha256))
    throw differs(source.path, sha256, eitherSha256, 'the command line');
  return { ...source, sha256: eitherSha256 };
}

async function hash(path: string, { signal, onProgress }: CheckImageOptions): Promise<string> {
  const { hashFile } = await import('@osforge/flush');
  try {
    return (await hashFile(path, { signal, onProgress })).sha256;
  } catch (error) {
    signal.throwIfAborted();
    throw asSourceError(error, path);
  }
}

function differs(path: string, found: string, expected: string, from: string): FlashSourceError {
  const message = `the image ${path} has the SHA-256 ${found} and should have ${expected} (by ${from}): fetch it again`;
  return new FlashSourceError(message, { path, reason: 'changed' });
}
