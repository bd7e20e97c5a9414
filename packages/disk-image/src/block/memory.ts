import { type BlockReader, checkBounds } from './reader.ts';

/** A disk whose content is an array in memory: for small images and for tests. */
export function memoryReader(bytes: Uint8Array): BlockReader {
  return {
    sizeBytes: bytes.byteLength,
    read(offset, length) {
      try {
        checkBounds(offset, length, bytes.byteLength);
        return Promise.resolve(bytes.slice(offset, offset + length));
      } catch (error) {
        return Promise.reject(error as Error); // checkBounds throws ImageBoundsError only
      }
    },
    close: () => Promise.resolve(),
  };
}
