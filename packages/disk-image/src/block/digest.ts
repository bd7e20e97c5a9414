import { createHash } from 'node:crypto';
import { openImage, type ReadableFormat } from '../qemu/open-image.ts';
import type { BlockReader, Extent } from './reader.ts';
import { updateZeros } from './zeros.ts';

export interface DigestOptions {
  readonly signal?: AbortSignal;
  /** Called with bytes of the disk, at most some hundred times a second. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

const pieceBytes = 1024 * 1024;
/** Reads under way while one piece is hashed: enough to hide the latency of a decompressing server. */
const readAhead = 4;

/**
 * SHA-256 (hex) of everything that a machine sees on a disk, holes as zeros: the same for an image and its conversion,
 * and for raw equal to `sha256sum` of the file.
 */
export async function contentDigest(
  reader: BlockReader,
  { signal, onProgress }: DigestOptions = {},
): Promise<string> {
  const hash = createHash('sha256');
  const extents: readonly Extent[] = (await reader.extents?.()) ?? [
    { startBytes: 0, lengthBytes: reader.sizeBytes, data: true, zero: false },
  ];
  let done = 0;
  for await (const piece of pieces(reader, extents)) {
    signal?.throwIfAborted();
    if (typeof piece === 'number') {
      await updateZeros(hash, piece, signal);
      done += piece;
    } else {
      hash.update(piece);
      done += piece.length;
    }
    onProgress?.(done, reader.sizeBytes);
  }
  if (done < reader.sizeBytes) await updateZeros(hash, reader.sizeBytes - done, signal);
  return hash.digest('hex');
}

/** SHA-256 of the disk inside an image file (with its backing chain); see contentDigest. */
export async function rawContentDigest(
  path: string,
  format: ReadableFormat = 'raw',
  options: DigestOptions = {},
): Promise<string> {
  const reader = await openImage(
    path,
    format,
    options.signal === undefined ? {} : { signal: options.signal },
  );
  try {
    return await contentDigest(reader, options);
  } finally {
    await reader.close();
  }
}

/** Bytes (valid until the next step) or a number of zeros in order, with a few reads running ahead. */
async function* pieces(reader: BlockReader, extents: readonly Extent[]): AsyncGenerator<Uint8Array | number> {
  const queue: (Promise<Uint8Array> | number)[] = [];
  const free: Uint8Array[] = [];
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    if (reader.readInto === undefined) return reader.read(offset, length);
    const target = (free.pop() ?? new Uint8Array(pieceBytes)).subarray(0, length);
    await reader.readInto(offset, target);
    return target;
  };
  const next = async function* (): AsyncGenerator<Uint8Array | number> {
    const piece = await (queue.shift() ?? 0);
    yield piece;
    // The consumer is done with it: read the next piece into the same memory.
    if (typeof piece !== 'number' && piece.buffer.byteLength === pieceBytes)
      free.push(new Uint8Array(piece.buffer));
  };
  try {
    for (const { startBytes, lengthBytes, zero } of extents) {
      if (zero) {
        queue.push(lengthBytes);
        continue;
      }
      for (let done = 0; done < lengthBytes; done += pieceBytes) {
        while (queue.length >= readAhead) yield* next();
        const started = read(startBytes + done, Math.min(pieceBytes, lengthBytes - done));
        // Handled when its turn comes; until then a failure must not count as unhandled.
        started.catch(() => undefined);
        queue.push(started);
      }
    }
    while (queue.length > 0) yield* next();
  } finally {
    // Left early: the reader is about to be closed, and must have no read under way then.
    await Promise.allSettled(queue.map((piece) => Promise.resolve(piece)));
  }
}
