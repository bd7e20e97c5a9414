import { expect, test } from 'vitest';
import { diffInputs } from '../src/inputs-diff.ts';

test('names the paths that differ and never a value', () => {
  const before = { apps: [{ name: 'nginx', v: 1 }], suite: 'bookworm', gone: true };
  const after = { apps: [{ name: 'caddy', v: 1 }], suite: 'bookworm', added: null };
  expect(diffInputs(before, after)).toEqual(['apps.0.name', 'gone', 'added']);
});

test('equal values do not differ, whatever the order of their keys', () => {
  expect(diffInputs({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toEqual([]);
});

test('an array is not an object, and a whole value can differ', () => {
  expect(diffInputs({ a: [] }, { a: {} })).toEqual(['a']);
  expect(diffInputs(1, 2)).toEqual(['']);
});

test('stops at the limit', () => {
  expect(diffInputs([1, 2, 3, 4], [5, 6, 7, 8], 2)).toEqual(['0', '1']);
});
