import { type BlockReader, checkBounds } from './reader.ts';

const windowBytes = 256 * 1024;
const windows = 32;

/**
 * Reads through a few aligned windows (8 MiB in all), so that the many small neighbouring reads of a file system
 * walk become few large ones. Reads of more than a window go straight through.
 */
export function windowedReader(reader: BlockReader): BlockReader {
  const kept = new Map<number, Promise<Uint8Array>>();

  const load = (index: number): Promise<Uint8Array> => {
    let window = kept.get(index);
    if (window === undefined) {
      const start = index * windowBytes;
      window = reader.read(start, Math.min(windowBytes, reader.sizeBytes - start));
      // A failed read must not be remembered; whoever waits for it gets the error.
      window.catch(() => kept.delete(index));
    } else {
      kept.delete(index);
    }
    kept.set(index, window);
    if (kept.size > windows)
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        break;
      }
    return window;
  };

  return {
    ...reader,
    async read(offset, length) {
      checkBounds(offset, length, reader.sizeBytes);
      if (length >= windowBytes) return reader.read(offset, length);
      const first = Math.floor(offset / windowBytes);
      const inside = offset - first * windowBytes;
      const window = await load(first);
      if (inside + length <= window.length) return window.slice(inside, inside + length);
      const bytes = new Uint8Array(length);
      bytes.set(window.subarray(inside));
      const done = window.length - inside;
      bytes.set((await load(first + 1)).subarray(0, length - done), done);
      return bytes;
    },
  };
}
