import { EventEmitter } from 'node:events';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ProgramCancelledError, ProgramTimeoutError } from '@osforge/process';

import { watchEnd } from '../src/ending/watch-end.ts';

// No program can be made to hang in the kernel at will: this one "process" is a plain event source whose pid
// does not exist, and the clock is faked so that nobody waits 30 s.
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a program that does not end even after SIGKILL is given up after 30 s', async () => {
  const end = watchEnd(new EventEmitter(), 2 ** 30, 'none', { timeoutMs: 1000, killAfterMs: 2000 });
  let given: unknown;
  void end.exitedOrAbandoned.then((exit) => {
    given = exit;
  });
  await vi.advanceTimersByTimeAsync(1000 + 2000 + 29_000);
  expect(given).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1000);
  expect(given).toMatchObject({ code: null, signal: null });
  expect(end.reason()).toEqual({ kind: 'timeout' });
});

test('the errors say so', () => {
  const end = { program: 'dd', args: [], exitCode: null, signal: null, lastLines: [] };
  expect(new ProgramTimeoutError(end, 10).message).toContain('even after SIGKILL');
  expect(new ProgramCancelledError({ ...end, started: true }, undefined).message).toContain(
    'even after SIGKILL',
  );
  expect(new ProgramCancelledError({ ...end, started: false }, undefined).message).not.toContain('SIGKILL');
});
