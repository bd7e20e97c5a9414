const windowBytes = 8192;
const hashBits = 14;
const minMatch = 3;

/** Keeps the tables of one compressor, so that a block costs no allocation. Not for two calls at a time. */
export interface XpressCompressor {
  /**
   * Compresses `input` into `output`; the number of bytes written, or -1 if they do not fit. The result depends on the
   * input alone. Give an output one byte shorter than the input to learn whether compression pays.
   */
  compress(input: Uint8Array, output: Uint8Array): number;
}

export interface XpressCompressorOptions {
  /** Earlier places tried for each position: more is smaller and slower; default 8. */
  readonly depth?: number;
}

/** A compressor for the plain LZ77 ("XPRESS", RTL format 3) of [MS-XCA] 2.3.4: hash chains, greedy. */
export function createXpressCompressor({ depth = 8 }: XpressCompressorOptions = {}): XpressCompressor {
  /** Position + 1 of the newest place with a hash, 0: none. */
  const heads = new Int32Array(1 << hashBits);
  /** The same for the place before that, by position in the window. */
  const chain = new Int32Array(windowBytes);
  return {
    compress(input, output) {
      heads.fill(0);
      return compressBlock(input, output, heads, chain, depth);
    },
  };
}

function compressBlock(
  input: Uint8Array,
  output: Uint8Array,
  heads: Int32Array,
  chain: Int32Array,
  depth: number,
): number {
  const end = input.length;
  const room = output.length;
  // A step writes at most two bytes of match, one half byte, seven of length and four of flags.
  const margin = 14;
  let to = 4;
  let flagsAt = 0;
  let flags = 0;
  let flagCount = 0;
  let halfByte = 0;
  let at = 0;
  /** Grows where nothing matches, so that noise is passed quickly. */
  let misses = 0;
  if (room < margin) return -1;
  const hashEnd = end - minMatch;
  while (at < end) {
    let length = 0;
    let offset = 0;
    if (at <= hashEnd) {
      const first = input[at] ?? 0;
      const second = input[at + 1] ?? 0;
      const third = input[at + 2] ?? 0;
      const hash = Math.imul(first | (second << 8) | (third << 16), 0x9e3779b1) >>> (32 - hashBits);
      let candidate = (heads[hash] ?? 0) - 1;
      const oldest = at - windowBytes;
      for (let tries = depth; candidate >= 0 && candidate >= oldest && tries > 0; tries -= 1) {
        if (
          input[candidate + length] === input[at + length] &&
          input[candidate] === first &&
          input[candidate + 1] === second &&
          input[candidate + 2] === third
        ) {
          let same = minMatch;
          while (at + same < end && input[candidate + same] === input[at + same]) same += 1;
          if (same > length) {
            length = same;
            offset = at - candidate;
            if (at + same === end || same > 128) break;
          }
        }
        const before = (chain[candidate & (windowBytes - 1)] ?? 0) - 1;
        // An entry that a newer place took over leads forward: the chain ends here.
        if (before >= candidate) break;
        candidate = before;
      }
      chain[at & (windowBytes - 1)] = heads[hash] ?? 0;
      heads[hash] = at + 1;
    }
    if (to + margin > room) {
      // The last bytes may still fit, but not be worth the trouble.
      return -1;
    }
    if (length < minMatch) {
      misses += 1;
      let literals = 1 + (misses >>> 6);
      if (literals > end - at) literals = end - at;
      for (; literals > 0; literals -= 1) {
        if (to + margin > room) return -1;
        output[to++] = input[at++] ?? 0;
        flags <<= 1;
        flagCount += 1;
        if (flagCount === 32) {
          writeFlags(output, flagsAt, flags);
          flagCount = 0;
          flagsAt = to;
          to += 4;
        }
      }
      continue;
    }
    misses = 0;
    let rest = length - minMatch;
    const token = ((offset - 1) << 3) | (rest < 7 ? rest : 7);
    output[to++] = token & 255;
    output[to++] = token >>> 8;
    if (rest >= 7) {
      rest -= 7;
      const half = rest < 15 ? rest : 15;
      if (halfByte === 0) {
        halfByte = to;
        output[to++] = half;
      } else {
        output[halfByte] = (output[halfByte] ?? 0) | (half << 4);
        halfByte = 0;
      }
      if (rest >= 15) {
        rest -= 15;
        if (rest < 255) {
          output[to++] = rest;
        } else {
          output[to++] = 255;
          rest += 15 + 7;
          const long = rest >= 1 << 16;
          output[to++] = long ? 0 : rest & 255;
          output[to++] = long ? 0 : rest >>> 8;
          if (long) {
            writeFlags(output, to, rest);
            to += 4;
          }
        }
      }
    }
    flags = (flags << 1) | 1;
    flagCount += 1;
    if (flagCount === 32) {
      writeFlags(output, flagsAt, flags);
      flagCount = 0;
      flagsAt = to;
      to += 4;
    }
    // Long matches are mostly runs: their inside need not be found again.
    const stop = Math.min(at + length, hashEnd + 1, at + 32);
    for (let inside = at + 1; inside < stop; inside += 1) {
      const hash =
        Math.imul(
          (input[inside] ?? 0) | ((input[inside + 1] ?? 0) << 8) | ((input[inside + 2] ?? 0) << 16),
          0x9e3779b1,
        ) >>>
        (32 - hashBits);
      chain[inside & (windowBytes - 1)] = heads[hash] ?? 0;
      heads[hash] = inside + 1;
    }
    at += length;
  }
  // The flags that are left say "match", and a match without input is the end ([MS-XCA] 2.3.4).
  flags = flagCount === 0 ? -1 : (flags << (32 - flagCount)) | ((1 << (32 - flagCount)) - 1);
  writeFlags(output, flagsAt, flags);
  return to;
}

function writeFlags(output: Uint8Array, at: number, value: number): void {
  output[at] = value;
  output[at + 1] = value >>> 8;
  output[at + 2] = value >>> 16;
  output[at + 3] = value >>> 24;
}
