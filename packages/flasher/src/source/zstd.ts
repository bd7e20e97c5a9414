import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';

const pieceBytes = 64 * 1024;

/**
 * The decompressed bytes of a zstd file. Node's decoder stops without an error after the first frame, but a file may have
 * many (pzstd writes such, and so does `cat a.zst b.zst`): each gets a decoder of its own.
 */
export function decompressZstd(path: string): Readable {
  return Readable.from(frames(path), { objectMode: false });
}

async function* frames(path: string): AsyncGenerator<Buffer> {
  const { size } = await stat(path);
  for (let start = 0; start < size;) {
    const decoder = createZstdDecompress({ chunkSize: pieceBytes });
    const file = createReadStream(path, { start, highWaterMark: pieceBytes });
    // A failure destroys the decoder with the error, which the loop below sees; so does the end of the frame.
    pipeline(file, decoder).catch(() => undefined);
    try {
      for await (const piece of decoder) yield piece as Buffer; // a byte stream without an encoding gives Buffers
    } finally {
      file.destroy();
    }
    const consumed = decoder.bytesWritten;
    if (consumed === 0) throw new Error(`no zstd frame begins at byte ${start}`);
    start += consumed;
  }
}
