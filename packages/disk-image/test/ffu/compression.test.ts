import { randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createXpressCompressor,
  DecompressionError,
  decompressLznt1,
  decompressXpress,
  decompressXpressHuffman,
} from '@osforge/disk-image';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../temp.ts';
import { sampleBytes } from './disk.ts';
import { encodeHuffman, encodeLznt1 } from './encoders.ts';

type Decompress = (input: Uint8Array, output: Uint8Array) => void;

const alphabet = Buffer.from('abcdefghijklmnopqrstuvwxyz');
const abc = Buffer.from('abc'.repeat(100));
const song = Buffer.from(
  'F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0',
);

/** A table of code lengths (half a byte a symbol) and what follows it. */
function huffman(table: Readonly<Record<number, number>>, stream: string): Buffer {
  const bytes = Buffer.alloc(256);
  for (const [at, value] of Object.entries(table)) bytes[Number(at)] = value;
  return Buffer.concat([bytes, Buffer.from(stream, 'hex')]);
}

function expand(decompress: Decompress, input: Uint8Array, length: number): Buffer {
  const output = Buffer.alloc(length, 0xee);
  decompress(input, output);
  return output;
}

describe('the examples of [MS-XCA]', () => {
  test('3.1, plain LZ77', () => {
    const first = Buffer.from('3f000000' + alphabet.toString('hex'), 'hex');
    const second = Buffer.from('ffffff1f61626317000fff2601', 'hex');
    expect(expand(decompressXpress, first, 26)).toEqual(alphabet);
    expect(expand(decompressXpress, second, 300)).toEqual(abc);
    const output = Buffer.alloc(400);
    const compressor = createXpressCompressor();
    expect(output.subarray(0, compressor.compress(alphabet, output))).toEqual(first);
    expect(output.subarray(0, compressor.compress(abc, output))).toEqual(second);
  });

  test('3.2, LZ77+Huffman', () => {
    const letters: Record<number, number> = { 48: 0x50, 59: 0x45, 60: 0x44, 61: 0x04, 128: 0x04 };
    for (let at = 49; at < 59; at += 1) letters[at] = 0x55;
    expect(
      expand(decompressXpressHuffman, huffman(letters, 'd8523ed794115be9195ff9d67cdf8d0400000000'), 26),
    ).toEqual(alphabet);
    const table = { 48: 0x30, 49: 0x23, 128: 0x02, 143: 0x20 };
    expect(expand(decompressXpressHuffman, huffman(table, 'a8dc0000ff2601'), 300)).toEqual(abc);
  });

  test('3.3, LZNT1', () => {
    const packed =
      '38b08846232000204720410010a24701a045204400084501507900c045200524138805b4024a44ef0358028c09160148450' +
      '0be009e000401189000';
    expect(expand(decompressLznt1, Buffer.from(packed, 'hex'), song.length)).toEqual(song);
  });
});

test('what RtlCompressBuffer of Windows wrote for 4096 letters', () => {
  const letters = Buffer.from(Array.from({ length: 4096 }, (_, index) => 0x41 + ((index + 1) % 26)));
  const table: Record<number, number> = { 32: 0x50, 44: 0x45, 45: 0x04, 128: 0x04, 167: 0x40 };
  for (let at = 33; at < 44; at += 1) table[at] = 0x55;
  const packed = huffman(table, '964ab9c68cf04aa7f8dab7cefbce28e0203a0000ffe30f');
  expect(expand(decompressXpressHuffman, packed, 4096)).toEqual(letters);
});

test('plain LZ77: what is compressed comes back, and equal input gives equal output', async () => {
  const executable = await readFile(process.execPath, { flag: 'r' }).then((bytes) =>
    bytes.subarray(0, 8_000_000),
  );
  const samples = [
    ...[0, 1, 2, 3, 4, 30, 31, 32, 33, 63, 64, 65, 4096].flatMap((length) => [
      Buffer.alloc(length, 'x'),
      sampleBytes(length, 'noise', length),
      sampleBytes(length, 'mixed', length),
    ]),
    // Lengths around each of the encodings: 3 bits, half a byte, a byte, two bytes, four bytes.
    ...[9, 10, 24, 25, 26, 279, 280, 281, 282, 65_800, 65_850, 131_071].map((run) =>
      Buffer.concat([alphabet, Buffer.alloc(run, 'r'), alphabet, Buffer.alloc(run, 's'), Buffer.from('end')]),
    ),
    sampleBytes(131_072, 'text', 5),
    ...Array.from({ length: 20 }, (_, index) =>
      executable.subarray(index * 400_000, index * 400_000 + 131_072),
    ),
  ];
  const compressor = createXpressCompressor();
  for (const sample of samples) {
    const output = Buffer.alloc(sample.length * 2 + 64);
    const length = compressor.compress(sample, output);
    expect(length).toBeGreaterThan(0);
    expect(expand(decompressXpress, output.subarray(0, length), sample.length).equals(sample)).toBe(true);
    const again = Buffer.alloc(sample.length * 2 + 64);
    expect(again.subarray(0, createXpressCompressor().compress(sample, again))).toEqual(
      output.subarray(0, length),
    );
  }
});

test('random data in small alphabets comes back at every depth', () => {
  const random = seededRandom(3);
  for (const depth of [1, 3, 8, 64]) {
    const compressor = createXpressCompressor({ depth });
    for (let round = 0; round < 200; round += 1) {
      const letters = 1 + random(6);
      const sample = Buffer.from(Array.from({ length: random(20_000) }, () => random(letters)));
      const output = Buffer.alloc(sample.length * 2 + 64);
      const length = compressor.compress(sample, output);
      expect(expand(decompressXpress, output.subarray(0, length), sample.length).equals(sample)).toBe(true);
    }
  }
});

test('what does not fit says so, and nothing is written behind the end', () => {
  const noise = Buffer.alloc(131_072);
  randomFillSync(noise);
  const output = Buffer.alloc(131_072, 0xaa);
  expect(createXpressCompressor().compress(noise, output.subarray(0, 131_071))).toBe(-1);
  expect(output[131_071]).toBe(0xaa);
  expect(createXpressCompressor().compress(alphabet, output.subarray(0, 3))).toBe(-1);
});

test('Huffman and LZNT1: over several chunks', () => {
  const text = sampleBytes(200_000, 'text', 9);
  expect(expand(decompressXpressHuffman, encodeHuffman(text), text.length).equals(text)).toBe(true);
  for (const length of [1, 4095, 4096, 4097, 131_072]) {
    const bytes = sampleBytes(length, 'mixed', length);
    expect(expand(decompressLznt1, encodeLznt1(bytes), length).equals(bytes)).toBe(true);
  }
  // A chunk of nine bytes, though another follows: zeros up to 4096.
  const short = Buffer.concat([encodeLznt1(Buffer.from('123456789')), encodeLznt1(Buffer.from('next'))]);
  const output = expand(decompressLznt1, short, 4100);
  expect(output.subarray(0, 9).toString()).toBe('123456789');
  expect(output.subarray(9, 4096).every((byte) => byte === 0)).toBe(true);
  expect(output.subarray(4096).toString()).toBe('next');
});

test('damaged input is a typed error with its place, or other bytes; never more than the output', () => {
  const compressor = createXpressCompressor();
  const plain = sampleBytes(6000, 'mixed', 4);
  const packed = Buffer.alloc(12_000);
  const streams: [Decompress, Buffer][] = [
    [decompressXpress, packed.subarray(0, compressor.compress(plain, packed))],
    [decompressXpressHuffman, encodeHuffman(plain)],
    [decompressLznt1, encodeLznt1(plain)],
  ];
  const random = seededRandom(11);
  for (const [decompress, stream] of streams) {
    let refused = 0;
    for (let round = 0; round < 3000; round += 1) {
      const cut = random(3) === 0 ? random(stream.length) : stream.length;
      const input = Buffer.from(stream.subarray(0, cut));
      for (let change = random(4); change > 0 && cut > 0; change -= 1) input[random(cut)] = random(256);
      const memory = Buffer.alloc(plain.length + 32, 0xcc);
      try {
        decompress(input, memory.subarray(16, 16 + plain.length));
      } catch (error) {
        refused += 1;
        expect(error).toBeInstanceOf(DecompressionError);
        if (!(error instanceof DecompressionError)) return;
        expect(error.inputOffset).toBeLessThanOrEqual(cut + 16);
        expect(error.outputOffset).toBeLessThanOrEqual(plain.length);
      }
      expect(memory.subarray(0, 16).every((byte) => byte === 0xcc)).toBe(true);
      expect(memory.subarray(16 + plain.length).every((byte) => byte === 0xcc)).toBe(true);
    }
    expect(refused).toBeGreaterThan(100);
  }
});

test.each([
  ['too short', 'ffffffff', 'ends before the output is full'],
  ['no flags', 'ff', 'inside the flags'],
  ['before the start', 'ffffff7f610800', 'reaches 1 bytes before'],
  ['over the end', 'ffffff7f6107000fff2601', 'overruns the output'],
  ['an impossible length', 'ffffff7f6107000fff0500', 'a long length of 5'],
  ['inside a length', 'ffffff7f610700', 'inside a length'],
])('plain LZ77, %s', (_, stream, message) => {
  expect(() => {
    decompressXpress(Buffer.from(stream, 'hex'), Buffer.alloc(100));
  }).toThrow(new RegExp(message));
});
