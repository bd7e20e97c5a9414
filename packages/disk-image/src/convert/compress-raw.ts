import { open } from 'node:fs/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { typedWriteError } from '../block/sparse-file.ts';
import { writeAll } from '../block/write-all.ts';

/** A compressed file that is fed the disk in order. */
export interface CompressedWriter {
  /** Resolves when more may come. */
  write(piece: Uint8Array): Promise<void>;
  /** Ends the stream; the file is complete, but not flushed. Its length. */
  end(): Promise<number>;
  /** Gives up; the file stays as far as it came. */
  destroy(): Promise<void>;
}

export interface CompressedWriterOptions {
  readonly format: 'raw.zst' | 'raw.gz';
  /** Told to readers in the frame's header, so that they know the disk's size without expanding it. */
  readonly sizeBytes: number;
  /** zstd: 1 … 19, default 3; gzip: 1 … 9, default 6. */
  readonly level?: number;
}

/**
 * Makes `path` anew. One zstd frame with a checksum, or one gzip member. One thread: with workers (ZSTD_c_nbWorkers)
 * Node 24 ends the stream before all of them have given what they hold, and the file is cut without an error.
 */
export async function openCompressedWriter(
  path: string,
  { format, sizeBytes, level }: CompressedWriterOptions,
): Promise<CompressedWriter> {
  const file = await open(path, 'w', 0o644);
  const encoder =
    format === 'raw.gz'
      ? createGzip({ level: level ?? 6, chunkSize: 256 * 1024 })
      : createZstdCompress({
          chunkSize: 256 * 1024,
          pledgedSrcSize: sizeBytes,
          params: {
            [constants.ZSTD_c_compressionLevel]: level ?? 3,
            [constants.ZSTD_c_checksumFlag]: 1,
          },
        });
  let at = 0;
  const done = (async () => {
    for await (const piece of encoder) {
      const bytes = piece as Buffer; // no encoding is set
      await writeAll(file, bytes, at).catch((error: unknown) => {
        throw typedWriteError(error, path);
      });
      at += bytes.length;
    }
  })();
  done.catch((error: unknown) => encoder.destroy(error instanceof Error ? error : undefined));
  return {
    async write(piece) {
      // What is written is read later: the caller may use its memory again only when it is taken.
      await new Promise<void>((resolve, reject) => {
        encoder.write(piece, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(error);
        });
      }).catch(async (error: unknown) => {
        // The reason why the encoder ended, where the file could not be written.
        await done;
        throw error;
      });
    },
    async end() {
      encoder.end();
      await done;
      await file.close();
      return at;
    },
    async destroy() {
      encoder.destroy();
      await done.catch(() => undefined);
      await file.close().catch(() => undefined);
    },
  };
}
