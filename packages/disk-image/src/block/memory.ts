import { type BlockReader, checkBounds } from './reader.ts';

/** A disk whose content is an array in memory: for small images and for tests. */
export function memoryReader(bytes: Uint8Array): BlockReader {
  return {
    sizeBytes: bytes.byteLength,
    // eslint-disable-next-line @typescript-eslint/require-await -- async so that a bounds error is a rejection
    async read(offset, length) {
      checkBounds(offset, length, bytes.byteLength);
      return bytes.slice(offset, offset + length);
    },
    close: () => Promise.resolve(),
  };
}
