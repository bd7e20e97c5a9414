import { copyMatch, damaged } from './cursor.ts';

const name = 'xpress-huffman';
const tableBytes = 256;
const symbols = 512;
const codeBits = 15;
const chunkBytes = 65536;

/**
 * LZ77+Huffman ("XPRESS_HUFF", RTL format 4) of [MS-XCA] 2.2.4: a table of code lengths before each 64 KiB of output.
 * Fills the whole of `output`; input behind that is ignored.
 * @throws DecompressionError if the input is damaged or ends too early; nothing outside the arrays is read or written
 */
export function decompressXpressHuffman(input: Uint8Array, output: Uint8Array): void {
  const codes = new Uint16Array(1 << codeBits);
  const lengths = new Uint8Array(symbols);
  let from = 0;
  for (let to = 0; to < output.length;) {
    buildCodes(input, from, to, lengths, codes);
    ({ from, to } = decodeChunk({ input, output, from: from + tableBytes, to, lengths, codes }));
  }
}

function buildCodes(
  input: Uint8Array,
  from: number,
  to: number,
  lengths: Uint8Array,
  codes: Uint16Array,
): void {
  if (from + tableBytes > input.length) damaged(name, 'the input ends inside a table of codes', from, to);
  for (let index = 0; index < tableBytes; index += 1) {
    const pair = input[from + index] ?? 0;
    lengths[2 * index] = pair & 15;
    lengths[2 * index + 1] = pair >>> 4;
  }
  let next = 0;
  for (let length = 1; length <= codeBits; length += 1) {
    const width = 1 << (codeBits - length);
    for (let symbol = 0; symbol < symbols; symbol += 1) {
      if (lengths[symbol] !== length) continue;
      if (next + width > codes.length) damaged(name, 'the table holds too many codes', from, to);
      codes.fill(symbol, next, next + width);
      next += width;
    }
  }
  if (next !== codes.length) damaged(name, 'the table holds too few codes', from, to);
}

interface Chunk {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly lengths: Uint8Array;
  readonly codes: Uint16Array;
}

function decodeChunk(chunk: Chunk): { from: number; to: number } {
  const { input, output, lengths, codes } = chunk;
  let { from, to } = chunk;
  const end = Math.min(output.length, to + chunkBytes);
  if (from + 4 > input.length) damaged(name, 'the input ends before the codes', from, to);
  let bits = (word(input, from) << 16) | word(input, from + 2);
  from += 4;
  /** Bits in `bits` beyond 16; below zero another 16 are needed. */
  let extra = 16;
  while (to < end) {
    const symbol = codes[bits >>> (32 - codeBits)] ?? 0;
    const used = lengths[symbol] ?? 0;
    bits <<= used;
    extra -= used;
    if (extra < 0) {
      // The decoder looks ahead: up to two words behind the end may be missing, and are zeros.
      if (from > input.length + 2) damaged(name, 'the input ends before the output is full', from, to);
      bits |= word(input, from) << -extra;
      extra += 16;
      from += 2;
    }
    if (symbol < 256) {
      output[to++] = symbol;
      continue;
    }
    let length = (symbol - 256) & 15;
    const offsetBits = (symbol - 256) >>> 4;
    if (length === 15) {
      if (from >= input.length) damaged(name, 'the input ends inside a length', from, to);
      length = input[from++] ?? 0;
      if (length === 255) {
        if (from + 2 > input.length) damaged(name, 'the input ends inside a length', from, to);
        length = word(input, from);
        from += 2;
        if (length === 0) {
          if (from + 4 > input.length) damaged(name, 'the input ends inside a length', from, to);
          length = (word(input, from) | (word(input, from + 2) << 16)) >>> 0;
          from += 4;
        }
        if (length < 15) damaged(name, `a long length of ${length}`, from, to);
        length -= 15;
      }
      length += 15;
    }
    length += 3;
    const offset = offsetBits === 0 ? 1 : (bits >>> (32 - offsetBits)) + (1 << offsetBits);
    bits <<= offsetBits;
    extra -= offsetBits;
    if (extra < 0) {
      if (from > input.length + 2) damaged(name, 'the input ends before the output is full', from, to);
      bits |= word(input, from) << -extra;
      extra += 16;
      from += 2;
    }
    if (offset > to) damaged(name, `a match reaches ${offset - to} bytes before the start`, from, to);
    if (length > output.length - to)
      damaged(name, `a match of ${length} bytes overruns the output`, from, to);
    copyMatch(output, to, offset, length);
    to += length;
  }
  return { from, to };
}

/** 16 bits; zeros behind the end. */
function word(input: Uint8Array, at: number): number {
  return (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
}
