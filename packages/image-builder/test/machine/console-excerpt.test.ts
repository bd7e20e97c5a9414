import { expect, test } from 'vitest';
import { consoleExcerpt } from '../../src/machine/console-excerpt.ts';

const lines = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);

test('without an explanation by the kernel it is the last lines, without blank ones', () => {
  expect(consoleExcerpt(['one', '', 'two', '  ', 'three'], 2)).toEqual(['two', 'three']);
  expect(consoleExcerpt([], 5)).toEqual([]);
});

test('a panic is shown from what led to it, not by its registers', () => {
  const console = [...lines('boot', 30), 'Kernel panic - not syncing: x', ...lines('trace', 40)];
  expect(consoleExcerpt(console, 6)).toEqual([
    ...['boot 28', 'boot 29', 'boot 30', 'Kernel panic - not syncing: x', 'trace 1', 'trace 2'],
  ]);
});

test('the last explanation counts, and the line that ends a panic is none', () => {
  const console = [
    ...['BUG: early', ...lines('a', 20), 'Kernel panic - not syncing: x', ...lines('b', 20)],
    '---[ end Kernel panic - not syncing: x ]---',
  ];
  expect(consoleExcerpt(console, 5)).toContain('Kernel panic - not syncing: x');
  expect(consoleExcerpt(console, 5)).toContain('a 20');
});

test('an explanation near the end is shown with as many lines as there is room for', () => {
  expect(consoleExcerpt([...lines('a', 9), 'Oops: y', 'z'], 4)).toEqual(['a 8', 'a 9', 'Oops: y', 'z']);
});
