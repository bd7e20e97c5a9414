import { copyMatch, damaged } from './cursor.ts';

const name = 'lznt1';
const chunkBytes = 4096;

/**
 * LZNT1 (RTL format 2) of [MS-XCA] 2.5: chunks of at most 4096 bytes. Fills the whole of `output`; a chunk that is
 * shorter than 4096 bytes although another follows is filled up with zeros, as RtlDecompressBuffer does.
 * @throws DecompressionError if the input is damaged or ends too early; nothing outside the arrays is read or written
 */
export function decompressLznt1(input: Uint8Array, output: Uint8Array): void {
  let from = 0;
  for (let start = 0; start < output.length; start += chunkBytes) {
    const limit = Math.min(start + chunkBytes, output.length);
    if (from + 2 > input.length) damaged(name, 'the input ends before the output is full', from, start);
    const header = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
    if (header === 0) damaged(name, 'the end mark comes before the output is full', from, start);
    from += 2;
    const end = from + (header & 0xfff) + 1;
    if (end > input.length) damaged(name, 'the input ends inside a chunk', from, start);
    let filled = start;
    if ((header & 0x8000) === 0) {
      if (end - from > limit - start) damaged(name, 'a stored chunk overruns the output', from, start);
      output.set(input.subarray(from, end), start);
      filled += end - from;
    } else {
      filled = decodeChunk(input, from, end, output, start, limit);
    }
    const more =
      limit < output.length || (end + 2 <= input.length && (input[end] !== 0 || input[end + 1] !== 0));
    if (filled < limit && !more) damaged(name, 'the input ends before the output is full', end, filled);
    output.fill(0, filled, limit);
    from = end;
  }
}

function decodeChunk(
  input: Uint8Array,
  begin: number,
  end: number,
  output: Uint8Array,
  start: number,
  limit: number,
): number {
  let from = begin;
  let to = start;
  while (from < end) {
    let flags = input[from++] ?? 0;
    for (let bit = 0; bit < 8 && from < end; bit += 1, flags >>>= 1) {
      if ((flags & 1) === 0) {
        if (to >= limit) damaged(name, 'a literal overruns the output', from, to);
        output[to++] = input[from++] ?? 0;
        continue;
      }
      if (from + 2 > end) damaged(name, 'a chunk ends inside a match', from, to);
      const token = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8);
      from += 2;
      // The further into the chunk, the more bits an offset needs.
      let lengthBits = 12;
      for (let position = to - start - 1; position >= 16; position >>= 1) lengthBits -= 1;
      const offset = (token >>> lengthBits) + 1;
      const length = (token & ((1 << lengthBits) - 1)) + 3;
      if (offset > to - start) damaged(name, 'a match reaches before its chunk', from, to);
      if (length > limit - to) damaged(name, `a match of ${length} bytes overruns the output`, from, to);
      copyMatch(output, to, offset, length);
      to += length;
    }
  }
  return to;
}
