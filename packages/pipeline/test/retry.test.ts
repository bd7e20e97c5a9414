import { describe, expect, test } from 'vitest';
import { retryTransient } from '../src/retry.ts';
import type { RetryNotice } from '../src/retry.ts';

class Busy extends Error {}
const isTransient = (error: unknown): boolean => error instanceof Busy;
const quick = { isTransient, minTimeoutMs: 1, maxTimeoutMs: 2 };
const never = new AbortController().signal;

describe('a step', () => {
  test('is tried again while its error is transient, and each wait is announced', async () => {
    const notices: RetryNotice[] = [];
    const value = await retryTransient(
      (attempt) => {
        if (attempt < 3) throw new Busy(`attempt ${attempt}`);
        return attempt;
      },
      quick,
      never,
      (notice) => notices.push(notice),
    );
    expect(value).toBe(3);
    expect(notices.map(({ attempt, retriesLeft, error }) => [attempt, retriesLeft, error.message])).toEqual([
      [1, 2, 'attempt 1'],
      [2, 1, 'attempt 2'],
    ]);
  });

  test('fails at once, with its own error, when that is permanent', async () => {
    const error = new Error('no');
    let calls = 0;
    const run = retryTransient(
      () => {
        calls += 1;
        throw error;
      },
      quick,
      never,
      () => expect.unreachable(),
    );
    await expect(run).rejects.toBe(error);
    expect(calls).toBe(1);
  });

  test('fails with its last error when the retries are used up', async () => {
    let calls = 0;
    const run = retryTransient(
      () => {
        calls += 1;
        throw new Busy(`attempt ${calls}`);
      },
      { ...quick, retries: 2 },
      never,
      () => {},
    );
    await expect(run).rejects.toThrow('attempt 3');
    expect(calls).toBe(3);
  });

  test('keeps its error when the predicate itself throws', async () => {
    const error = new Error('first');
    const isBroken = (): boolean => {
      throw new Error('predicate');
    };
    const run = retryTransient(
      () => Promise.reject(error),
      { ...quick, isTransient: isBroken },
      never,
      () => {},
    );
    await expect(run).rejects.toBe(error);
  });

  test('waits longer each time, with jitter', async () => {
    const delays: number[] = [];
    const run = retryTransient(
      () => Promise.reject(new Busy()),
      { isTransient, retries: 3, minTimeoutMs: 4 },
      never,
      ({ delayMs }) => delays.push(delayMs),
    );
    await expect(run).rejects.toBeInstanceOf(Busy);
    const [first = 0, second = 0, third = 0] = delays;
    expect(first >= 4 && first <= 8 && second >= 8 && second <= 16 && third >= 16 && third <= 32).toBe(true);
  });
});

describe('an abort', () => {
  test('ends the wait before the next attempt', async () => {
    const controller = new AbortController();
    const run = retryTransient(
      () => Promise.reject(new Busy('last seen')),
      { isTransient, minTimeoutMs: 3_600_000, maxTimeoutMs: 3_600_000 },
      controller.signal,
      () => {
        queueMicrotask(() => {
          controller.abort(new Error('enough'));
        });
      },
    );
    await expect(run).rejects.toThrow('last seen');
  });

  test('does not throw away the result of an attempt that ended well', async () => {
    const controller = new AbortController();
    const run = retryTransient(
      () => {
        controller.abort();
        return 'kept';
      },
      quick,
      controller.signal,
      () => {},
    );
    await expect(run).resolves.toBe('kept');
  });

  test('before the first attempt means that there is none', async () => {
    const reason = new Error('before');
    const run = retryTransient(
      () => expect.unreachable(),
      quick,
      AbortSignal.abort(reason),
      () => {},
    );
    await expect(run).rejects.toBe(reason);
  });
});
