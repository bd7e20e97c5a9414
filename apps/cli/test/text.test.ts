import { expect, test } from 'vitest';
import { cleanLine, cleanLines } from '../src/text/clean-text.ts';
import { compactDuration, formatDuration } from '../src/text/duration.ts';
import { formatSize, parseSize } from '../src/text/size.ts';
import { formatTable } from '../src/text/table.ts';

test.each([
  [-5, '0.0 s', '0.0s'],
  [0, '0.0 s', '0.0s'],
  [9_949, '9.9 s', '9.9s'],
  [9_950, '10 s', '10s'],
  [59_499, '59 s', '59s'],
  [59_500, '1 min 00 s', '1m00s'],
  [185_000, '3 min 05 s', '3m05s'],
  [3_599_499, '59 min 59 s', '59m59s'],
  [3_720_000, '1 h 02 min', '1h02m'],
])('%i ms', (ms, long, short) => {
  expect([formatDuration(ms), compactDuration(ms)]).toEqual([long, short]);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [102_400, '100 KiB'],
  [1_048_575, '1.0 MiB'],
  [164_495_360, '157 MiB'],
  [5 * 1024 ** 4, '5.0 TiB'],
])('%i bytes', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test.each([
  ['4096', 4096],
  ['4096B', 4096],
  ['2TiB', 2 ** 41],
  ['2t', 2 ** 41],
  ['1.5 GiB', 1.5 * 2 ** 30],
  ['1P', 2 ** 50],
  // "TB" is another number to others; what is not exact in a number is no limit.
  ...['2TB', '', '0', '-1', '1e3', 'TiB', '8P1', '9999999999999999', '9P', '0.0001k'].map(
    (text): [string, undefined] => [text, undefined],
  ),
])('the size %j is %j bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test('columns are aligned by display width, without blanks at the end', () => {
  expect(
    formatTable([
      ['字', 'a', ''],
      ['xyz', 'b', 'c'],
    ]),
  ).toEqual(['字   a', 'xyz  b  c']);
});

test('text that is safe to show', () => {
  expect(cleanLine('10%\r50%\r100%\r\n')).toBe('100%');
  expect(cleanLine('a\tb\u0000\u0008\u001B[1;31mc\u001B[0m\u001B]8;;x\u0007d')).toBe('a bcd');
  expect(cleanLine('\u009B2Jx\u202Ey\u2028z')).toBe('xyz');
  expect(cleanLines('a\u001B[2J\n  b\n')).toBe('a\n  b\n');
});
