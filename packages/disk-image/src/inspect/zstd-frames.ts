import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
/** What is handed to a decoder at once: a file may have a block for each three bytes. */
const batchBytes = 64 * 1024;
/** A frame that is smaller than a batch is expanded without a stream if it is no larger than this. */
const smallFrameBytes = 1024 * 1024;

/**
 * Expands a zstd stream of any number of frames (RFC 8878 §3). Node's own decoder stops behind the first frame without
 * a word, which would cut the files of pzstd and of `cat a.zst b.zst`: frames are told apart here by their blocks'
 * lengths, and each gets a decoder.
 */
export async function* expandZstd(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = byteSource(input);
  for (;;) {
    const magic = await source.take(4, true);
    if (magic === undefined) return;
    if ((magic.readUInt32LE(0) & 0xfffffff0) >>> 0 === skippableMagic) {
      for (let left = (await source.need(4)).readUInt32LE(0); left > 0;) {
        const piece = Math.min(left, 65_536);
        await source.need(piece);
        left -= piece;
      }
      continue;
    }
    if (magic.readUInt32LE(0) !== frameMagic) throw new Error('what follows a frame is no zstd frame');
    yield* expandFrame(batches(frameParts(magic, source)));
  }
}

/** One frame, which ends where its parts do. */
async function* expandFrame(frame: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer> {
  const first = await frame.next();
  const second = first.done === true ? first : await frame.next();
  if (first.done !== true && second.done === true) {
    const small = expandSmall(first.value);
    if (small !== undefined) {
      if (small.length > 0) yield small;
      return;
    }
  }
  const decoder = createZstdDecompress({ chunkSize: 256 * 1024 });
  const feeding = (async (): Promise<void> => {
    for (const part of [first, second]) if (part.done !== true) await write(decoder, part.value);
    for await (const part of frame) await write(decoder, part);
    decoder.end();
  })();
  feeding.catch((error: unknown) => decoder.destroy(error instanceof Error ? error : undefined));
  try {
    for await (const piece of decoder) yield piece as Buffer; // a byte stream without an encoding gives Buffers
    await feeding;
  } finally {
    decoder.destroy();
    await feeding.catch(() => undefined);
  }
}

/** A whole frame; undefined if it is too large for that. A stream each would take a hundred times as long. */
function expandSmall(frame: Buffer): Buffer | undefined {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: smallFrameBytes });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

async function write(decoder: ReturnType<typeof createZstdDecompress>, bytes: Buffer): Promise<void> {
  if (decoder.destroyed) throw new Error('the decoder ended');
  if (decoder.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      decoder.off('drain', go).off('close', go);
      resolve();
    };
    decoder.on('drain', go).on('close', go);
  });
}

/** The same bytes in larger parts; what comes before a failure is handed on. */
async function* batches(parts: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  let held: Buffer[] = [];
  let size = 0;
  const take = (): Buffer => {
    const batch = Buffer.concat(held);
    held = [];
    size = 0;
    return batch;
  };
  try {
    for await (const part of parts) {
      held.push(part);
      size += part.length;
      if (size >= batchBytes) yield take();
    }
  } catch (error) {
    if (size > 0) yield take();
    throw error;
  }
  if (size > 0) yield take();
}

/** One frame: its header, block by block, its checksum. */
async function* frameParts(magic: Buffer, source: ByteSource): AsyncGenerator<Buffer, void> {
  const descriptor = await source.need(1);
  const flags = descriptor.readUInt8(0);
  const single = (flags & 0x20) !== 0;
  const sizeFlag = flags >> 6;
  const rest =
    (single ? 0 : 1) +
    ([0, 1, 2, 4][flags & 3] ?? 0) +
    (sizeFlag === 0 ? (single ? 1 : 0) : ([0, 2, 4, 8][sizeFlag] ?? 0));
  yield magic;
  yield descriptor;
  yield await source.need(rest);
  for (;;) {
    const header = await source.need(3);
    const value = header.readUIntLE(0, 3);
    const type = (value >> 1) & 3;
    if (type === 3) throw new Error('a block of a reserved type');
    yield header;
    // A run-length block has one byte, whatever its size.
    const length = type === 1 ? 1 : value >> 3;
    if (length > 0) yield await source.need(length);
    if ((value & 1) === 1) break;
  }
  if ((flags & 4) !== 0) yield await source.need(4);
}

interface ByteSource {
  /** Exactly so many bytes; undefined at the end if that is allowed. */
  take(length: number, endAllowed: boolean): Promise<Buffer | undefined>;
  need(length: number): Promise<Buffer>;
}

function byteSource(input: AsyncIterable<Buffer>): ByteSource {
  const pieces = input[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const take = async (length: number, endAllowed: boolean): Promise<Buffer | undefined> => {
    const parts: Buffer[] = [];
    let have = 0;
    while (have < length) {
      if (rest.length === 0) {
        const next = await pieces.next();
        if (next.done === true) {
          if (endAllowed && have === 0) return undefined;
          throw new Error('the file ends too early');
        }
        rest = next.value;
        continue;
      }
      const part = rest.subarray(0, length - have);
      parts.push(part);
      have += part.length;
      rest = rest.subarray(part.length);
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  };
  return {
    take,
    need: async (length) =>
      length === 0 ? Buffer.alloc(0) : ((await take(length, false)) ?? Buffer.alloc(0)),
  };
}
