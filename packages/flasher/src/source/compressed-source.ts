import { createReadStream } from 'node:fs';
import { finished, pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { SourceFormat, SourceReader, UnreadSource } from './source.ts';
import { decompressXz } from './xz.ts';
import { decompressZstd } from './zstd.ts';

export interface CompressedSourceOptions {
  readonly path: string;
  readonly format: Extract<SourceFormat, 'gzip' | 'xz' | 'zstd'>;
  readonly sizeBytes: number | undefined;
}

/** Decoders at once besides the first: each may have megabytes of history, and all of them the same work to do again. */
const maxDecoders = 4;
const pieceBytes = 64 * 1024;

/** An image in a compressed file: each reader decompresses from the beginning. */
export function compressedSource({ path, format, sizeBytes }: CompressedSourceOptions): UnreadSource {
  return {
    path,
    format,
    sizeBytes,
    extents: undefined,
    randomAccess: false,
    maxReaders: maxDecoders,
    async open(fromBytes) {
      const reader = streamReader(decompress(path, format));
      const scratch = Buffer.alloc(pieceBytes);
      try {
        for (let left = fromBytes; left > 0;) {
          const count = await reader.read(scratch.subarray(0, Math.min(left, scratch.length)));
          if (count === 0) break;
          left -= count;
        }
      } catch (error) {
        await reader.close();
        throw error;
      }
      return reader;
    },
    close: () => Promise.resolve(),
  };
}

function decompress(path: string, format: CompressedSourceOptions['format']): Readable {
  if (format === 'xz') return decompressXz(path);
  if (format === 'zstd') return decompressZstd(path);
  const decoder = createGunzip({ chunkSize: pieceBytes });
  // Its failure destroys the decoder with the error, which the reader sees.
  pipeline(createReadStream(path, { highWaterMark: pieceBytes }), decoder).catch(() => undefined);
  return decoder;
}

/** Cuts a stream into pieces of the reader's choice. */
function streamReader(stream: Readable): SourceReader {
  const pieces = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async read(buffer) {
      let filled = 0;
      while (filled < buffer.length) {
        if (rest.length === 0) {
          const next = await pieces.next();
          if (next.done === true) break;
          rest = next.value as Buffer; // a byte stream without an encoding gives Buffers
        }
        const count = rest.copy(buffer, filled);
        rest = rest.subarray(count);
        filled += count;
      }
      return filled;
    },
    async close() {
      if (stream.closed) return;
      stream.destroy();
      await finished(stream).catch(() => undefined);
    },
  };
}
