import { describe, expect, test } from 'vitest';
import { DoubleReleaseError, ForeignReleaseError, ObjectPool, PoolOptionError } from '@osforge/perf';

interface Point {
  x: number;
}

const options = {
  create: (): Point => ({ x: 0 }),
  reset: (point: Point): void => {
    point.x = 0;
  },
};

test('hands out reset objects again and counts', () => {
  const pool = new ObjectPool({ ...options, max: 1 });
  const first = pool.acquire();
  const second = pool.acquire();
  first.x = 5;
  pool.release(first);
  pool.release(second);
  expect(pool.statistics).toEqual({ created: 2, reused: 0, discarded: 1, idle: 1, inUse: 0 });
  expect(pool.acquire()).toBe(first);
  expect(first.x).toBe(0);
  expect(pool.statistics).toEqual({ created: 2, reused: 1, discarded: 1, idle: 0, inUse: 1 });
  pool.release(first);
  pool.clear();
  expect(pool.acquire()).not.toBe(first);
});

test('what cannot be made or reset is not counted as in use, and not handed out again', () => {
  const failing = new ObjectPool<Point>({
    create: () => {
      throw new Error('cannot be made');
    },
  });
  expect(() => failing.acquire()).toThrow('cannot be made');
  expect(failing.statistics).toMatchObject({ created: 0, inUse: 0 });
  const pool = new ObjectPool<Point>({
    create: options.create,
    reset: () => {
      throw new Error('cannot be reset');
    },
  });
  const object = pool.acquire();
  expect(() => {
    pool.release(object);
  }).toThrow('cannot be reset');
  expect(pool.statistics).toEqual({ created: 1, reused: 0, discarded: 1, idle: 0, inUse: 0 });
  expect(pool.acquire()).not.toBe(object);
});

test('use releases after a return, a throw, a promise and a rejection', async () => {
  const pool = new ObjectPool(options);
  expect(pool.use((point) => point.x)).toBe(0);
  expect(() =>
    pool.use(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  const waiting = pool.use(async () => {
    await Promise.resolve();
    return 1;
  });
  expect(pool.statistics.inUse).toBe(1);
  expect(await waiting).toBe(1);
  await expect(pool.use(() => Promise.reject(new Error('later')))).rejects.toThrow('later');
  expect(pool.statistics.inUse).toBe(0);
  expect(pool.statistics.created).toBe(1);
});

describe('a wrong release', () => {
  test('twice in a row is always found', () => {
    const pool = new ObjectPool(options);
    const point = pool.acquire();
    pool.release(point);
    expect(() => {
      pool.release(point);
    }).toThrow(DoubleReleaseError);
    expect(pool.statistics.idle).toBe(1);
  });

  test('of any kind is found in debug mode', () => {
    const pool = new ObjectPool({ ...options, debug: true });
    const [first, second] = [pool.acquire(), pool.acquire()];
    pool.release(first);
    pool.release(second);
    expect(() => {
      pool.release(first);
    }).toThrow(DoubleReleaseError);
    expect(() => {
      pool.release({ x: 1 });
    }).toThrow(ForeignReleaseError);
    expect(pool.statistics).toMatchObject({ idle: 2, inUse: 0 });
  });
});

test.each([0, 1.5, NaN, -1])('refuses max %s', (max) => {
  expect(() => new ObjectPool({ ...options, max })).toThrow(PoolOptionError);
});
