import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { classifyError } from './classify-error.ts';
import { startDeadline, type Deadline, type DeadlineOptions } from './deadline.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';

export interface HashFileOptions extends DeadlineOptions {
  /** Called after each chunk with the bytes hashed so far and the size (0 for a block device). */
  onProgress?: ((hashedBytes: number, totalBytes: number) => void) | undefined;
  /** Hash only the first bytes; default: to the end. */
  lengthBytes?: number | undefined;
  fs?: FileSystem | undefined;
}

export interface FileDigest {
  /** Lower-case hex. */
  sha256: string;
  /** Bytes hashed. */
  sizeBytes: number;
}

const chunkBytes = 1024 * 1024;

/**
 * SHA-256 of a file or block device, read through the page cache. One chunk is read while the one before it
 * is hashed. A hole is read as zeros without touching the device, and counts as zeros in the digest.
 *
 * @throws FlushNotFoundError, FlushAccessError, FlushIoError, FlushTimeoutError, FlushCancelledError
 */
export async function hashFile(path: string, options: HashFileOptions = {}): Promise<FileDigest> {
  const deadline = startDeadline(path, options);
  try {
    return await hashWithin(deadline, path, options);
  } finally {
    deadline.end();
  }
}

/** {@link hashFile} as a part of a call that has its own deadline. */
export async function hashWithin(
  deadline: Deadline,
  path: string,
  options: Omit<HashFileOptions, keyof DeadlineOptions>,
): Promise<FileDigest> {
  const fs = options.fs ?? nodeFileSystem;
  const limit = options.lengthBytes ?? Number.MAX_SAFE_INTEGER;
  const hash = createHash('sha256');
  const file = await deadline.open(fs, path, constants.O_RDONLY, 'open');
  try {
    const { size } = await file.stat();
    const total = Math.min(size, limit);
    // No more memory than a small file needs: a checkpoint's artifacts are often a few bytes.
    const bufferBytes = size > 0 && size < chunkBytes ? size + 1 : chunkBytes;
    let current = Buffer.allocUnsafe(bufferBytes);
    let spare = Buffer.allocUnsafe(bufferBytes);
    let hashed = 0;
    const fill = async (buffer: Buffer, position: number): Promise<number> => {
      const length = Math.min(buffer.length, limit - position);
      if (length <= 0) return 0;
      return (await deadline.step('read', () => file.read(buffer, 0, length, position))).bytesRead;
    };
    let count = await fill(current, 0);
    while (count > 0) {
      const next = fill(spare, hashed + count);
      next.catch(() => {}); // it is awaited below, unless onProgress throws first
      hash.update(count === current.length ? current : current.subarray(0, count));
      hashed += count;
      options.onProgress?.(hashed, total);
      count = await next;
      [current, spare] = [spare, current];
    }
    return { sha256: hash.digest('hex'), sizeBytes: hashed };
  } catch (error) {
    throw classifyError(error, path, 'read');
  } finally {
    await deadline.closeRead(file);
  }
}
