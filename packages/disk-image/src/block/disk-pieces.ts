import type { BlockReader, Extent } from './reader.ts';

const pieceBytes = 1024 * 1024;
const zeros = Buffer.alloc(pieceBytes);

/** A piece of a disk of at most 1 MiB; `hole` where it is known to be zeros without being read. */
export interface DiskPiece {
  readonly at: number;
  readonly bytes: Buffer;
  readonly hole: boolean;
}

/** A whole disk in order, one read running ahead. The bytes of a hole are shared and must not be changed. */
export async function* diskPieces(reader: BlockReader, signal?: AbortSignal): AsyncGenerator<DiskPiece> {
  const extents: readonly Extent[] = (await reader.extents?.()) ?? [
    { startBytes: 0, lengthBytes: reader.sizeBytes, data: true, zero: false },
  ];
  let next: Promise<DiskPiece> | undefined;
  try {
    for (const { startBytes, lengthBytes, zero } of extents)
      for (let done = 0; done < lengthBytes; done += pieceBytes) {
        signal?.throwIfAborted();
        const at = startBytes + done;
        const length = Math.min(pieceBytes, lengthBytes - done);
        const ready = next;
        next = zero
          ? Promise.resolve({ at, bytes: zeros.subarray(0, length), hole: true })
          : reader.read(at, length).then((bytes) => ({
              at,
              bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
              hole: false,
            }));
        // Handled when its turn comes.
        next.catch(() => undefined);
        if (ready !== undefined) yield await ready;
      }
    if (next !== undefined) {
      const last = next;
      next = undefined;
      yield await last;
    }
  } finally {
    // The reader is about to be closed, and must have no read under way then.
    await next?.catch(() => undefined);
  }
}
