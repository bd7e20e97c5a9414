import { expect, test } from 'vitest';
import { canDraw, wantsColours } from '../src/report/display.ts';

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ TERM: 'dumb' }, true, false],
  [{ CI: 'true' }, true, false],
  [{ CI: '1' }, true, false],
  [{ CI: '' }, true, true],
  [{ CI: 'false' }, true, true],
  [{ NO_COLOR: '1' }, true, true],
])('a live view with %o on a terminal (%o): %o', (env, isTTY, expected) => {
  expect(canDraw(env, isTTY)).toBe(expected);
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  [{ TERM: 'dumb' }, true, false],
])('colours with %o on a terminal (%o): %o', (env, isTTY, expected) => {
  expect(wantsColours(env, isTTY)).toBe(expected);
});
