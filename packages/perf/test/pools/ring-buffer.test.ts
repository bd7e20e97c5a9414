import { describe, expect, test } from 'vitest';
import {
  isTransientPoolError,
  PoolOptionError,
  RingBuffer,
  RingBufferClosedError,
  RingBufferFullError,
  RingBufferTimeoutError,
} from '@osforge/perf';

test('keeps the order over many rounds', () => {
  const ring = new RingBuffer<number>({ capacity: 3, overflow: 'reject' });
  const out: (number | undefined)[] = [];
  for (let value = 0; value < 20; value += 2) {
    ring.push(value);
    ring.push(value + 1);
    expect(ring.peek()).toBe(value);
    out.push(ring.shift(), ring.shift());
  }
  expect(out).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(ring.shift()).toBeUndefined();
  expect(ring.peek()).toBeUndefined();
});

describe('when it is full', () => {
  const full = (overflow: 'drop-oldest' | 'drop-newest' | 'reject', lost: number[]): RingBuffer<number> => {
    const ring = new RingBuffer<number>({ capacity: 2, overflow, onDropped: (value) => lost.push(value) });
    ring.push(1);
    ring.push(2);
    return ring;
  };

  test('drop-oldest makes room and counts', () => {
    const lost: number[] = [];
    const ring = full('drop-oldest', lost);
    expect(ring.push(3)).toBe(false);
    expect([ring.dropped, lost, ring.drain()]).toEqual([1, [1], [2, 3]]);
    expect(ring.push(4)).toBe(true);
  });

  test('drop-newest keeps what it has and counts', () => {
    const lost: number[] = [];
    const ring = full('drop-newest', lost);
    expect(ring.push(3)).toBe(false);
    expect([ring.dropped, lost, ring.drain()]).toEqual([1, [3], [1, 2]]);
  });

  test('reject throws and loses nothing', () => {
    const ring = full('reject', []);
    expect(() => ring.push(3)).toThrow(RingBufferFullError);
    expect([ring.dropped, ring.drain()]).toEqual([0, [1, 2]]);
    expect(isTransientPoolError(new RingBufferFullError(1))).toBe(true);
  });
});

test('a slot that was taken refers to nothing', async () => {
  if (globalThis.gc === undefined) (await import('node:v8')).setFlagsFromString('--expose-gc');
  const gc = globalThis.gc ?? ((await import('node:vm')).runInNewContext('gc') as () => void);
  const ring = new RingBuffer<object>({ capacity: 4, overflow: 'reject' });
  const references = Array.from({ length: 4 }, () => {
    const item = { large: new Array<number>(1000).fill(1) };
    ring.push(item);
    return new WeakRef(item);
  });
  ring.drain(2);
  ring.shift();
  // A WeakRef keeps its target until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  expect(references.map((reference) => reference.deref() === undefined)).toEqual([true, true, true, false]);
});

describe('a reader', () => {
  test('gets items one by one until the buffer is closed', async () => {
    const ring = new RingBuffer<number>({ capacity: 4, overflow: 'reject' });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of ring) seen.push(item);
    })();
    ring.push(1);
    await new Promise((resolve) => setImmediate(resolve));
    ring.push(2);
    ring.push(3);
    ring.close();
    await reading;
    expect(seen).toEqual([1, 2, 3]);
    expect(() => ring.push(4)).toThrow(RingBufferClosedError);
    expect(ring.closed).toBe(true);
  });

  test('gets batches of at most so many', async () => {
    const ring = new RingBuffer<number>({ capacity: 8, overflow: 'reject' });
    for (const value of [1, 2, 3, 4, 5]) ring.push(value);
    ring.close();
    const batches: number[][] = [];
    for await (const batch of ring.batches(2)) batches.push(batch);
    expect(batches).toEqual([[1, 2], [3, 4], [5]]);
  });

  test('goes on when somebody else takes the item that it was woken for', async () => {
    const ring = new RingBuffer<number>({ capacity: 4, overflow: 'reject' });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of ring) seen.push(item);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    ring.push(1);
    expect(ring.shift()).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    ring.push(2);
    ring.close();
    await reading;
    expect(seen).toEqual([2]);
  });

  test('waits no longer than it is told to', async () => {
    const ring = new RingBuffer<number>({ capacity: 1, overflow: 'reject' });
    await expect(ring.waitForItems({ timeoutMs: 1 })).rejects.toThrow(RingBufferTimeoutError);
    const abort = new AbortController();
    const waiting = ring.waitForItems({ signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const both = Promise.all([ring.waitForItems(), ring.waitForItems({ timeoutMs: 60_000 })]);
    ring.push(1);
    expect(await both).toEqual([true, true]);
    ring.drain();
    ring.close();
    expect(await ring.waitForItems()).toBe(false);
  });
});

test.each([0, -1, 0.5, Infinity, NaN, 2 ** 24 + 1, 2 ** 31, 2 ** 32])(
  'refuses a capacity of %s',
  (capacity) => {
    expect(() => new RingBuffer({ capacity, overflow: 'reject' })).toThrow(PoolOptionError);
  },
);

test('refuses a policy that does not exist, as plain JavaScript may ask for', () => {
  // The cast stands for a caller without types.
  const overflow = 'drop' as 'reject';
  expect(() => new RingBuffer({ capacity: 1, overflow })).toThrow(PoolOptionError);
});
