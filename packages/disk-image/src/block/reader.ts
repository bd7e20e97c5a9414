import { open } from 'node:fs/promises';
import { ImageBoundsError } from '../errors.ts';

/** A stretch of a disk; the extents of a list are in order and without gaps. */
export interface Extent {
  readonly startBytes: number;
  readonly lengthBytes: number;
  /** False where nothing is allocated: a hole. */
  readonly data: boolean;
  /** True where every byte reads as zero. */
  readonly zero: boolean;
}

/** Random access to the content of a disk, whatever the file around it. */
export interface BlockReader {
  readonly sizeBytes: number;
  /**
   * Exactly `length` bytes from `offset`; the caller owns the array.
   * @throws ImageBoundsError if that reaches outside the disk
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** The same into an array of the caller's, which must stay untouched meanwhile; for reading much without garbage. */
  readInto?(offset: number, target: Uint8Array): Promise<void>;
  /**
   * Of the open file whose bytes these are, from its first on, for other threads of this process, which read it in place of
   * calling `read`. Whoever makes a reader of another one by spreading it and changes the bytes must leave this out.
   */
  readonly descriptor?: number;
  /** Where data and holes are; absent where the source does not know. */
  extents?(): Promise<readonly Extent[]>;
  close(): Promise<void>;
}

/** Throws ImageBoundsError unless offset and length are whole numbers inside the disk. */
export function checkBounds(offset: number, length: number, sizeBytes: number): void {
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > sizeBytes
  ) {
    throw new ImageBoundsError(offset, length, sizeBytes);
  }
}

/** Opens a raw image file or a block device for reading. */
export async function openRaw(path: string): Promise<BlockReader> {
  const file = await open(path, 'r');
  try {
    const status = await file.stat();
    const sizeBytes = status.isBlockDevice() ? await deviceSize(file) : status.size;
    const readInto = async (offset: number, target: Uint8Array): Promise<void> => {
      checkBounds(offset, target.length, sizeBytes);
      for (let filled = 0; filled < target.length;) {
        const { bytesRead } = await file.read(target, filled, target.length - filled, offset + filled);
        if (bytesRead === 0)
          throw new ImageBoundsError(offset + filled, target.length - filled, offset + filled);
        filled += bytesRead;
      }
    };
    return {
      sizeBytes,
      descriptor: file.fd,
      readInto,
      async read(offset, length) {
        checkBounds(offset, length, sizeBytes);
        const bytes = new Uint8Array(length);
        await readInto(offset, bytes);
        return bytes;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A block device reports size 0 to stat: find the last readable byte by bisection. */
async function deviceSize(file: {
  read(b: Uint8Array, o: number, l: number, p: number): Promise<{ bytesRead: number }>;
}): Promise<number> {
  const probe = new Uint8Array(1);
  const readable = async (offset: number): Promise<boolean> =>
    (await file.read(probe, 0, 1, offset)).bytesRead === 1;
  if (!(await readable(0))) return 0;
  let low = 0;
  let high = 512;
  while (await readable(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (await readable(middle)) low = middle;
    else high = middle;
  }
  return high;
}
