import { Buffer } from 'node:buffer';

import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';

import { BufferPool, ObjectPool, RingBuffer } from '@osforge/perf';

/** Operations in one iteration: an iteration of 1 µs is 1 ns for each. */
const times = 1000;
const mebibyte = 1024 * 1024;

interface Device {
  id: number;
  bus: number;
  port: number;
  vendor: number;
  product: number;
  serial: string;
  name: string;
  sizeBytes: number;
  speed: number;
  seenAt: number;
}

function device(id: number): Device {
  return {
    id,
    bus: 1,
    port: 2,
    vendor: 3,
    product: 4,
    serial: 's',
    name: 'n',
    sizeBytes: 5,
    speed: 6,
    seenAt: 7,
  };
}

/** Keeps what was made, so that the compiler cannot leave the making out. */
let sink: unknown;
let sum = 0;

test('a pooled object of ten fields, beside a new one (1000 operations a call)', async ({ bench }) => {
  const pool = new ObjectPool<Device>({
    create: () => device(0),
    reset: (object) => {
      object.id = 0;
    },
  });
  const checked = new ObjectPool<Device>({ create: () => device(0), debug: true });
  await bench.compare(
    bench('ObjectPool', () => {
      for (let n = 0; n < times; n += 1) {
        const object = pool.acquire();
        object.id = n;
        sum += object.id;
        sink = object;
        pool.release(object);
      }
    }),
    bench('ObjectPool, debug', () => {
      for (let n = 0; n < times; n += 1) {
        const object = checked.acquire();
        object.id = n;
        sum += object.id;
        sink = object;
        checked.release(object);
      }
    }),
    bench('peer: a new object', () => {
      for (let n = 0; n < times; n += 1) {
        const object = device(n);
        sum += object.id;
        sink = object;
      }
    }),
  );
  expect([sink, sum]).not.toContain(undefined);
});

test('a pooled buffer of 1 MiB, beside a new one: one use, a byte of each page written', async ({
  bench,
}) => {
  const buffers = new BufferPool({ sizeBytes: mebibyte, count: 4 });
  const touch = (buffer: Uint8Array): void => {
    for (let at = 0; at < mebibyte; at += 4096) buffer[at] = at;
    sink = buffer;
  };
  await bench.compare(
    bench('BufferPool', () => {
      const buffer = buffers.tryAcquire();
      if (buffer === undefined) throw new Error('no buffer is free');
      touch(buffer);
      buffers.release(buffer);
    }),
    bench('peer: Buffer.alloc', () => {
      touch(Buffer.alloc(mebibyte));
    }),
    bench('peer: Buffer.allocUnsafeSlow', () => {
      touch(Buffer.allocUnsafeSlow(mebibyte));
    }),
  );
});

test('items through a queue of 1024, beside an array (1000 operations a call)', async ({ bench }) => {
  const ring = new RingBuffer<number>({ capacity: 1024, overflow: 'drop-oldest' });
  const array: number[] = [];
  await bench.compare(
    bench('RingBuffer', () => {
      for (let n = 0; n < times; n += 1) ring.push(n);
      for (let n = 0; n < times; n += 1) sum += ring.shift() ?? 0;
    }),
    bench('peer: array, push and shift', () => {
      for (let n = 0; n < times; n += 1) array.push(n);
      for (let n = 0; n < times; n += 1) sum += array.shift() ?? 0;
    }),
  );
});

test('a queue that stands full at 100 000 (1000 operations a call)', async ({ bench }) => {
  const capacity = 100_000;
  const ring = new RingBuffer<number>({ capacity, overflow: 'drop-oldest' });
  const array = Array.from({ length: capacity }, (_, n) => n);
  for (let n = 0; n < capacity; n += 1) ring.push(n);
  await bench.compare(
    bench('RingBuffer', () => {
      for (let n = 0; n < times; n += 1) ring.push(n);
    }),
    bench('peer: array, push and shift', () => {
      for (let n = 0; n < times; n += 1) {
        array.push(n);
        sum += array.shift() ?? 0;
      }
    }),
  );
});

test('lru-cache without any wrapper, beside a Map that never forgets (1000 operations a call)', async ({
  bench,
}) => {
  const cache = new LRUCache<number, number>({ max: 500, ttl: 60_000 });
  const map = new Map<number, number>();
  await bench.compare(
    bench('lru-cache, max and ttl', () => {
      for (let n = 0; n < times; n += 1) sum += cache.get(n) ?? cache.set(n, n).size;
    }),
    bench('peer: Map', () => {
      for (let n = 0; n < times; n += 1) sum += map.get(n) ?? map.set(n, n).size;
    }),
  );
});
