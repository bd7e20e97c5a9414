import { describe, expect, test } from 'vitest';

import { maskSecrets } from '@osforge/process';

import { keepTail } from '../src/output/keep-tail.ts';
import { splitLines } from '../src/output/split-lines.ts';

/** Every way to cut a text into at most three pieces. */
function* cuts(text: string): Generator<string[]> {
  for (let a = 0; a <= text.length; a += 1) {
    for (let b = a; b <= text.length; b += 1) yield [text.slice(0, a), text.slice(a, b), text.slice(b)];
  }
}

function mask(secrets: string[], pieces: string[]): string {
  const masking = maskSecrets(secrets);
  return pieces.map((piece) => masking.push(piece)).join('') + masking.end();
}

describe('maskSecrets', () => {
  test.each([
    [['aXa'], 'baXab aXaXa', 'b[secret]b [secret]Xa'],
    [['abc', 'abcdef'], 'abcabcdefabcd', '[secret][secret][secret]d'],
    [['abab'], 'abaabab', 'aba[secret]'],
    [['a.c', '$&'], 'abc a.c $& $1', 'abc [secret] [secret] $1'],
    [['line-one\nline-two'], 'line-one\nline-two; line-two', '[secret]; [secret]'],
    [['', 'x'], 'axb', 'a[secret]b'],
    [[], 'nothing', 'nothing'],
  ])('%j in every cut of %j', (secrets, text, expected) => {
    for (const pieces of cuts(text)) expect(mask(secrets, pieces)).toBe(expected);
  });

  test('shows at once what cannot become a secret', () => {
    const masking = maskSecrets(['secret']);
    expect(masking.push('a line\nse')).toBe('a line\n');
    expect(masking.push('e')).toBe('see');
  });

  test('masks most of a secret that the end cuts off', () => {
    expect(mask(['password'], ['is passwo'])).toBe('is [secret]');
    expect(mask(['password'], ['is pas'])).toBe('is pas');
  });
});

describe('splitLines', () => {
  const split = (pieces: string[], max = 100): string[] => {
    const splitter = splitLines(max);
    return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
  };

  test('LF, CR LF and CR end a line, however it is cut', () => {
    for (const pieces of cuts('a\r\nb\n\nc\rd\r\r\ne')) {
      expect(split(pieces)).toEqual(['a', 'b', '', 'c', 'd', '', 'e']);
    }
  });

  test('progress that ends in CR comes at once', () => {
    expect(splitLines(100).push('    (1.00/100%)\r')).toEqual(['    (1.00/100%)']);
  });

  test('a long line comes in pieces of which none cuts a character', () => {
    expect(split(['abcdefgh\nxy'], 3)).toEqual(['abc', 'def', 'gh', 'xy']);
    expect(split(['ab\u{1f600}cd'], 3)).toEqual(['ab', '\u{1f600}c', 'd']);
  });
});

describe('keepTail', () => {
  test('keeps the end in bytes, cut between characters, and tells what is gone', () => {
    const tail = keepTail(5);
    for (const piece of ['abcä', 'öü', 'x€', 'yz']) tail.push(piece);
    expect(tail.text()).toBe('€yz');
    expect(Buffer.byteLength('abcäöüx€yz') - tail.droppedBytes()).toBe(5);
    const cut = keepTail(4);
    cut.push('x€€');
    expect(cut.text()).toBe('€');
    expect(cut.droppedBytes()).toBe(4);
  });

  test('keeps everything up to the limit', () => {
    const tail = keepTail(10);
    tail.push('0123456789');
    expect([tail.text(), tail.droppedBytes()]).toEqual(['0123456789', 0]);
  });
});
