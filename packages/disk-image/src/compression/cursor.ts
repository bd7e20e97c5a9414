import { DecompressionError } from '../errors.ts';

export type CompressionName = 'lznt1' | 'xpress' | 'xpress-huffman';

/** Throws where a compressed stream is damaged: what is wrong, and at which bytes of input and output. */
export function damaged(algorithm: CompressionName, reason: string, input: number, output: number): never {
  throw new DecompressionError(algorithm, reason, input, output);
}

/**
 * Copies `length` bytes from `offset` bytes before `at`, as LZ77 means it: byte by byte, so that a copy may repeat what
 * it has just written. The caller has checked both ends.
 */
export function copyMatch(output: Uint8Array, at: number, offset: number, length: number): void {
  if (length <= 24) {
    for (let index = at; index < at + length; index += 1) output[index] = output[index - offset] ?? 0;
  } else if (offset === 1) {
    output.fill(output[at - 1] ?? 0, at, at + length);
  } else {
    // What is there already doubles with each copy.
    let done = Math.min(offset, length);
    output.copyWithin(at, at - offset, at - offset + done);
    while (done < length) {
      const part = Math.min(done, length - done);
      output.copyWithin(at + done, at, at + part);
      done += part;
    }
  }
}
