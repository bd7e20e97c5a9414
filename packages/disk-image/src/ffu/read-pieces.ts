import type { BlockReader } from '../block/reader.ts';

export interface Piece {
  /** Where it begins. */
  readonly at: number;
  /** Valid until the next step. */
  readonly bytes: Uint8Array;
}

export interface ReadPiecesOptions {
  /** Pieces that are in memory, being read or looked at; 1: one after the other. Default 4. */
  readonly held?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A range in pieces, in order, with a few reads running ahead into memory that is used again. */
export async function* readPieces(
  reader: BlockReader,
  offset: number,
  length: number,
  pieceBytes: number,
  { held = 4, signal }: ReadPiecesOptions = {},
): AsyncGenerator<Piece> {
  const end = offset + length;
  const queue: Promise<Piece>[] = [];
  const free: Uint8Array[] = [];
  let next = offset;
  const start = async (at: number): Promise<Piece> => {
    const wanted = Math.min(pieceBytes, end - at);
    if (reader.readInto === undefined) return { at, bytes: await reader.read(at, wanted) };
    const bytes = (free.pop() ?? new Uint8Array(Math.min(pieceBytes, length))).subarray(0, wanted);
    await reader.readInto(at, bytes);
    return { at, bytes };
  };
  const fill = (): void => {
    while (queue.length < held && next < end) {
      const piece = start(next);
      // Handled when its turn comes; until then a failure must not count as unhandled.
      piece.catch(() => undefined);
      queue.push(piece);
      next += pieceBytes;
    }
  };
  try {
    fill();
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      signal?.throwIfAborted();
      const done = await piece;
      yield done;
      if (reader.readInto !== undefined) free.push(new Uint8Array(done.bytes.buffer));
      fill();
    }
  } finally {
    // Left early: the reader is about to be closed, and must have no read under way then.
    await Promise.allSettled(queue);
  }
}
