import { expect, test } from 'vitest';
import { QmpLineTooLongError } from '@osforge/vm-events';
import { LineSplitter } from '../src/qmp/line-splitter.ts';

const LINES = ['{"event":"A"}', '', 'zwölf €, 𝄞', 'x\ry', 'z'.repeat(30), 'end'];
const BYTES = Buffer.from(LINES.map((line, index) => line + (index % 2 === 0 ? '\r\n' : '\n')).join(''));
/** With the `\r` that belongs to the longest line. */
const LONGEST_BYTES = 31;

function split(bytes: Buffer, chunkBytes: number, maxLineBytes: number): string[] {
  const splitter = new LineSplitter(maxLineBytes);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    for (const line of splitter.push(bytes.subarray(at, at + chunkBytes))) lines.push(line);
  }
  return lines;
}

test('lines are the same however the bytes come, far from the limit and at it', () => {
  for (let chunkBytes = 1; chunkBytes <= BYTES.length; chunkBytes += 1) {
    expect(split(BYTES, chunkBytes, 1000)).toEqual(LINES);
    expect(split(BYTES, chunkBytes, LONGEST_BYTES)).toEqual(LINES);
  }
});

test('a line over the limit is refused however its bytes come, and the lines before it are not lost', () => {
  for (let chunkBytes = 1; chunkBytes <= BYTES.length; chunkBytes += 1) {
    const splitter = new LineSplitter(LONGEST_BYTES - 1);
    const lines: string[] = [];
    expect(() => {
      for (let at = 0; at < BYTES.length; at += chunkBytes) {
        for (const line of splitter.push(BYTES.subarray(at, at + chunkBytes))) lines.push(line);
      }
    }).toThrow(QmpLineTooLongError);
    expect(lines).toEqual(LINES.slice(0, 4));
  }
});

test('an unfinished line stays with the splitter, and bytes that are no UTF-8 stop nothing', () => {
  const splitter = new LineSplitter(100);
  expect([...splitter.push(Buffer.from('a\nb'))]).toEqual(['a']);
  expect([...splitter.push(Buffer.from('c'))]).toEqual([]);
  expect([...splitter.push(Buffer.from([0xe2, 0x82, 0x0a, 0x64, 0x0a]))]).toEqual(['bc\ufffd', 'd']);
});
