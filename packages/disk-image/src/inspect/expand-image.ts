import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { dataRuns } from '../block/data-runs.ts';
import { typedWriteError } from '../block/sparse-file.ts';
import { writeAll } from '../block/write-all.ts';
import { ImageExpandError, ImageForeignError, ImageLimitError } from '../errors.ts';
import { tellFile } from './detect-format.ts';
import { expandZstd } from './zstd-frames.ts';

export type CompressedFormat = 'raw.zst' | 'raw.gz' | 'raw.xz';

export interface ExpandOptions {
  /** Most bytes of the disk; default 1 TiB. Against files that expand without end. */
  readonly maxExpandedBytes?: number;
  /** Bytes of the compressed file. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

const readBytes = 256 * 1024;
const pieceBytes = 1024 * 1024;

/**
 * The content of a compressed raw image, in order. gzip and zstd are expanded in this process, xz by the program `xz`.
 * @throws ImageExpandError, ImageLimitError
 */
export async function* expandPieces(
  path: string,
  format: CompressedFormat,
  options: ExpandOptions = {},
): AsyncGenerator<Buffer> {
  const { maxExpandedBytes = 2 ** 40, onProgress, signal } = options;
  const total = (await stat(path)).size;
  let done = 0;
  async function* compressed(): AsyncGenerator<Buffer> {
    for await (const piece of createReadStream(path, { highWaterMark: readBytes })) {
      signal?.throwIfAborted();
      const bytes = piece as Buffer; // no encoding is set
      done += bytes.length;
      yield bytes;
      onProgress?.(done, total);
    }
  }
  let expanded = 0;
  try {
    const pieces =
      format === 'raw.zst'
        ? expandZstd(compressed())
        : format === 'raw.gz'
          ? gunzip(compressed())
          : xz(path, signal);
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      expanded += piece.length;
      if (expanded > maxExpandedBytes)
        throw new ImageLimitError(
          'maxExpandedBytes',
          `${path} expands to more than ${maxExpandedBytes} bytes`,
        );
      yield piece;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ImageLimitError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES' || code === 'ENOENT' || code === 'EISDIR') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImageExpandError(path, expanded, reason, { cause: error });
  }
}

/**
 * Expands into a sparse file, which is made or emptied first; not flushed. Its length.
 * @throws ImageExpandError, ImageLimitError, DiskFullError; ImageForeignError where something else than a raw disk comes out
 */
export async function expandToFile(
  path: string,
  format: CompressedFormat,
  target: string,
  options: ExpandOptions = {},
): Promise<number> {
  let at = 0;
  try {
    const file = await open(target, 'w', 0o600);
    try {
      for await (const large of expandPieces(path, format, options))
        for (let from = 0; from < large.length; from += pieceBytes) {
          const piece = large.subarray(from, from + pieceBytes);
          for (const { start, end } of dataRuns(piece))
            await writeAll(file, piece.subarray(start, end), at + start);
          at += piece.length;
        }
      await file.truncate(at);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw typedWriteError(error, target);
  }
  await refuseOthers(path, target);
  return at;
}

/** `disk.tar.gz` and `disk.qcow2.zst` are no raw disks. */
async function refuseOthers(path: string, expanded: string): Promise<void> {
  const found = await tellFile(expanded);
  if (found === 'raw') return;
  const { format, what } = typeof found === 'string' ? { format: found, what: `an image (${found})` } : found;
  throw new ImageForeignError(
    path,
    format,
    `holds something that is ${what}, and only raw disks are read out of compressed files`,
    'expand it first, and name what comes out',
  );
}

async function* gunzip(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = createGunzip({ chunkSize: readBytes });
  const feeding = (async () => {
    for await (const piece of input) {
      if (decoder.destroyed) return;
      if (!decoder.write(piece)) await Promise.race([once(decoder, 'drain'), once(decoder, 'close')]);
    }
    decoder.end();
  })();
  feeding.catch((error: unknown) => decoder.destroy(error instanceof Error ? error : undefined));
  try {
    for await (const piece of decoder) yield piece as Buffer; // no encoding is set
    await feeding;
  } finally {
    decoder.destroy();
    await feeding.catch(() => undefined);
  }
}

async function* xz(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  // 512 MiB is more than any preset needs; a hostile header may ask for 4 GiB.
  const child = spawn('xz', ['--decompress', '--stdout', '--memlimit=512MiB', '--', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 4096) said += text;
  });
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'ENOENT' ? 'the program xz is missing (apt-get install xz-utils)' : error.message,
      );
    });
    child.once('close', (code) => {
      resolve(code === 0 ? undefined : said.trim() || 'xz was ended by a signal');
    });
  });
  try {
    for await (const piece of child.stdout) yield piece as Buffer; // no encoding is set
    const problem = await ended;
    if (problem !== undefined) throw new Error(problem);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}
