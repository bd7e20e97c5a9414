import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFile, type FlushReport } from '@osforge/flush';
import { dataRuns } from '../block/data-runs.ts';
import { syncFolder } from '../block/sync-folder.ts';
import { typedWriteError } from '../block/sparse-file.ts';
import { writeAll } from '../block/write-all.ts';
import { FfuDigestError, FfuFormatError } from '../errors.ts';
import { partialPath } from '../qemu/convert.ts';
import { securityHeaderBytes } from './layout.ts';
import { openFfu, type OpenFfuOptions } from './open-ffu.ts';
import { readPieces } from './read-pieces.ts';
import { verifyFfu } from './verify-ffu.ts';

export interface ExtractFfuOptions extends OpenFfuOptions {
  readonly source: string;
  /** A raw image; replaced if it exists, but only by a complete one. */
  readonly target: string;
  /** Check all digests before anything is written; default true. */
  readonly verify?: boolean;
  /** Bytes of stored blocks that are written. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface ExtractFfuReport {
  readonly path: string;
  readonly sizeBytes: number;
  /** What was really written; the rest are holes. */
  readonly writtenBytes: number;
  readonly flush: FlushReport;
}

const pieceBytes = 1024 * 1024;

/**
 * Writes the disk in an FFU as a sparse raw image: to `partialPath(target)`, which becomes the target when it is complete
 * and flushed.
 * @throws FfuFormatError, FfuUnsupportedError, FfuLimitError, FfuDigestError, DiskFullError
 */
export async function extractFfu(options: ExtractFfuOptions): Promise<ExtractFfuReport> {
  const { source, target, verify = true, onProgress, ...open } = options;
  const { signal } = open;
  if (verify) await requireSound(source, open);
  const image = await openFfu(source, open);
  const partial = partialPath(target);
  try {
    let total = 0;
    for (const { lengthBytes } of image.runs()) total += lengthBytes;
    let done = 0;
    const writtenBytes = await writeSparse(partial, image.sizeBytes, async (write) => {
      for (const { startBytes, lengthBytes } of image.runs())
        for await (const { at, bytes } of readPieces(image, startBytes, lengthBytes, pieceBytes, {
          signal,
        })) {
          await write(at, bytes);
          done += bytes.length;
          onProgress?.(done, total);
        }
    });
    signal?.throwIfAborted();
    const flush = await flushFile(partial, signal === undefined ? {} : { signal });
    await rename(partial, target);
    await syncFolder(dirname(target));
    return { path: target, sizeBytes: image.sizeBytes, writtenBytes, flush };
  } catch (error) {
    await rm(partial, { force: true });
    throw typedWriteError(error, target);
  } finally {
    await image.close();
  }
}

async function requireSound(source: string, options: OpenFfuOptions): Promise<void> {
  const { maxTableBytes, signal } = options;
  const report = await verifyFfu(source, {
    ...(maxTableBytes === undefined ? {} : { maxTableBytes }),
    ...(signal === undefined ? {} : { signal }),
  });
  const [first] = report.damage;
  if (first !== undefined) throw new FfuDigestError(first.offsetBytes, first.digestIndex);
  if (report.digests !== report.expectedDigests)
    throw new FfuFormatError(
      'hash table',
      securityHeaderBytes,
      `${report.digests} digests, where ${report.expectedDigests} are needed`,
    );
  if (!report.ok)
    throw new FfuFormatError('catalog', securityHeaderBytes, 'its digest is not that of the hash table');
}

type Write = (at: number, bytes: Uint8Array) => Promise<void>;

/** A new file of a size, into which stretches of zeros are not written; the bytes that were. */
async function writeSparse(
  path: string,
  sizeBytes: number,
  fill: (write: Write) => Promise<void>,
): Promise<number> {
  const file = await open(path, 'w', 0o644);
  let writtenBytes = 0;
  try {
    await file.truncate(sizeBytes);
    await fill(async (at, bytes) => {
      for (const { start, end } of dataRuns(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
        await writeAll(file, bytes.subarray(start, end), at + start);
        writtenBytes += end - start;
      }
    });
  } finally {
    await file.close();
  }
  return writtenBytes;
}
