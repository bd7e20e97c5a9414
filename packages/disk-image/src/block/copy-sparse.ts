import { open } from 'node:fs/promises';
import { openImage } from '../qemu/open-image.ts';
import { ImageBoundsError } from '../errors.ts';
import { dataRuns } from './data-runs.ts';
import { typedWriteError } from './sparse-file.ts';
import { writeAll } from './write-all.ts';

export interface CopySparseOptions {
  /** A raw image or any file. */
  readonly source: string;
  /** An existing image that reads as zeros where the source goes; nothing else of it is touched. */
  readonly target: string;
  /** Where in the target; default 0. */
  readonly targetOffsetBytes?: number;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface CopySparseReport {
  readonly sizeBytes: number;
  /** What was really written; the rest stays a hole. */
  readonly writtenBytes: number;
}

const pieceBytes = 1024 * 1024;

/**
 * Puts a file into an image without writing a single block of zeros: holes of the source are not even read, and
 * stored zeros become holes, in grains of 4096 bytes. Not flushed: flush the image once, when it is complete.
 * @throws DiskFullError; ImageBoundsError if the target is too small
 */
export async function copySparse(options: CopySparseOptions): Promise<CopySparseReport> {
  const { source, target, targetOffsetBytes = 0, onProgress, signal } = options;
  const reader = await openImage(source, 'raw', signal === undefined ? {} : { signal });
  try {
    const file = await open(target, 'r+');
    try {
      const status = await file.stat();
      if (status.isFile() && targetOffsetBytes + reader.sizeBytes > status.size)
        throw new ImageBoundsError(targetOffsetBytes, reader.sizeBytes, status.size);
      let writtenBytes = 0;
      for (const { startBytes, lengthBytes, zero } of (await reader.extents?.()) ?? []) {
        for (let at = startBytes; !zero && at < startBytes + lengthBytes; at += pieceBytes) {
          signal?.throwIfAborted();
          const piece = await reader.read(at, Math.min(pieceBytes, startBytes + lengthBytes - at));
          for (const { start, end } of dataRuns(
            Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength),
          )) {
            await writeAll(file, piece.subarray(start, end), targetOffsetBytes + at + start);
            writtenBytes += end - start;
          }
          onProgress?.(at + piece.length, reader.sizeBytes);
        }
      }
      onProgress?.(reader.sizeBytes, reader.sizeBytes);
      return { sizeBytes: reader.sizeBytes, writtenBytes };
    } catch (error) {
      throw typedWriteError(error, target);
    } finally {
      await file.close();
    }
  } finally {
    await reader.close();
  }
}
