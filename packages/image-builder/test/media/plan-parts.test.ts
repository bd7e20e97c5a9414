import { expect, test } from 'vitest';
import { planParts } from '../../src/media/plan-parts.ts';

const mebibyte = 1024 ** 2;

test('the table comes first and alone, and nothing reaches over it or over the end', () => {
  const parts = planParts([{ start: 0, end: 3 * mebibyte + 5 }], 3 * mebibyte);
  expect(parts).toEqual([
    { kind: 'table', offset: 0, length: mebibyte },
    { kind: 'range', offset: mebibyte, length: 2 * mebibyte },
  ]);
});

test('long stretches are cut into 16 MiB, odd ones are whole blocks, and short gaps are no gaps', () => {
  const parts = planParts(
    [
      { start: 2 * mebibyte, end: 20 * mebibyte },
      { start: 30 * mebibyte + 1, end: 30 * mebibyte + 2 },
      { start: 30 * mebibyte + 9000, end: 30 * mebibyte + 9001 },
      { start: 40 * mebibyte, end: 40 * mebibyte },
    ],
    64 * mebibyte,
  );
  expect(parts.slice(1)).toEqual([
    { kind: 'range', offset: 2 * mebibyte, length: 16 * mebibyte },
    { kind: 'range', offset: 18 * mebibyte, length: 2 * mebibyte },
    { kind: 'range', offset: 30 * mebibyte, length: 3 * 4096 },
  ]);
});
