/**
 * The index of a log-linear bin is the top of a double's bits: exponent, then the first `bits` bits of the
 * fraction. Each power of two is so cut into 2^bits equal bins, with no logarithm and no table.
 * The idea is that of HdrHistogram (http://hdrhistogram.org), on doubles in place of integers.
 */

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Where the sign, exponent and upper fraction lie: the second word, except on a big-endian machine. */
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;
const LOW = 1 - HIGH;
/** Bits of the fraction in the high word. */
const FRACTION_BITS = 20;

/** How many bits of the fraction make bins that are narrower than 10^-digits of their values. */
export function bitsOfDigits(digits: 1 | 2 | 3): number {
  return Math.ceil(Math.log2(10 ** digits));
}

/** @param value positive and finite */
export function binOf(value: number, bits: number): number {
  double[0] = value;
  return (words[HIGH] ?? 0) >>> (FRACTION_BITS - bits);
}

/** The smallest value in the bin; that of the next bin is where it ends. */
export function lowerEdge(bin: number, bits: number): number {
  words[HIGH] = bin << (FRACTION_BITS - bits);
  words[LOW] = 0;
  return double[0] ?? 0;
}
