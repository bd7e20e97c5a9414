import { LRUCache } from 'lru-cache';
import { firstValueFrom, skip, Subject } from 'rxjs';
import { expect, test } from 'vitest';
import {
  createMemoryPressure,
  isAtLeast,
  shedOnPressure,
  type MemoryUse,
  type PressureLevel,
  type PressureSources,
} from '@osforge/perf';

/** Sources whose figures and events the test sets. */
function fakeSources(): PressureSources & {
  heapUsed: number;
  cgroupUsed: number;
  time: number;
  collect: (major: boolean) => void;
  kernelEvent: () => void;
  listeners: () => number;
} {
  const collections = new Set<(major: boolean) => void>();
  const events = new Set<() => void>();
  const use = (usedBytes: number): MemoryUse => ({ usedBytes, limitBytes: 100 });
  const fake = {
    heapUsed: 10,
    cgroupUsed: 10,
    time: 0,
    heap: () => use(fake.heapUsed),
    rss: () => use(10),
    cgroup: () => use(fake.cgroupUsed),
    onCollection: (callback: (major: boolean) => void) => {
      collections.add(callback);
      return () => collections.delete(callback);
    },
    onCgroupEvent: (callback: () => void) => {
      events.add(callback);
      return () => events.delete(callback);
    },
    now: () => fake.time,
    collect: (major: boolean) => {
      for (const callback of collections) callback(major);
    },
    kernelEvent: () => {
      for (const callback of events) callback();
    },
    listeners: () => collections.size + events.size,
  };
  return fake;
}

test('counts the heap after a major collection only, and tells of changes of the level', () => {
  const sources = fakeSources();
  const { level$, reading$ } = createMemoryPressure({ sources, sampleMs: 0 });
  const levels: string[] = [];
  let readings = 0;
  const subscription = level$.subscribe(({ level, worst }) => levels.push(`${level} ${worst ?? ''}`));
  subscription.add(reading$.subscribe(() => (readings += 1)));

  sources.heapUsed = 95;
  sources.time = 1000;
  sources.collect(false);
  expect(levels).toEqual(['normal rss']);
  sources.collect(true);
  expect(levels).toEqual(['normal rss', 'critical heap']);
  // Of minor collections that follow each other closely, one gives a reading.
  const before = readings;
  sources.collect(false);
  sources.collect(false);
  expect(readings).toBe(before);

  sources.heapUsed = 10;
  sources.collect(true);
  sources.time += 10_000;
  sources.collect(true);
  expect(levels.at(-1)).toBe('normal heap');

  sources.cgroupUsed = 80;
  sources.kernelEvent();
  expect(levels.at(-1)).toBe('elevated cgroup');
  subscription.unsubscribe();
  expect(sources.listeners()).toBe(0);
});

test('watches once for all subscribers and gives late ones the last reading', async () => {
  const sources = fakeSources();
  const { level$ } = createMemoryPressure({ sources, sampleMs: 0 });
  sources.cgroupUsed = 99;
  const first = level$.subscribe();
  const second = level$.subscribe();
  expect(sources.listeners()).toBe(2);
  expect((await firstValueFrom(level$)).level).toBe('critical');
  first.unsubscribe();
  second.unsubscribe();
  expect(sources.listeners()).toBe(0);
});

test('reads by its timer where nothing else gives occasion', async () => {
  const sources = fakeSources();
  const { reading$ } = createMemoryPressure({ sources, sampleMs: 1 });
  sources.time = 5;
  expect((await firstValueFrom(reading$.pipe(skip(2)))).at).toBe(5);
});

test('leaves out a reading that cannot be taken, and goes on with the next', async () => {
  const sources = fakeSources();
  let open = false;
  const rss = (): MemoryUse => {
    // As Node says it.
    if (!open) throw new Error('EMFILE: too many open files, uv_resident_set_memory');
    return { usedBytes: 10, limitBytes: 100 };
  };
  const { reading$ } = createMemoryPressure({ sources: { ...sources, rss }, sampleMs: 1 });
  const next = firstValueFrom(reading$);
  sources.kernelEvent();
  sources.collect(true);
  open = true;
  expect((await next).rss.usedBytes).toBe(10);
  expect(sources.listeners()).toBe(0);
});

test('reads this process, and the heap after a real major collection', async () => {
  const { reading$ } = createMemoryPressure({ sampleMs: 0, minReadingMs: 0 });
  const readings: { heap: MemoryUse | undefined; rss: MemoryUse }[] = [];
  const collected = new Promise<void>((resolve) => {
    const subscription = reading$.subscribe((state) => {
      readings.push(state);
      if (state.heap === undefined) return;
      resolve();
      // On the first reading this is not assigned yet, but then there is no heap either.
      subscription.unsubscribe();
    });
  });
  expect(readings[0]?.heap).toBeUndefined();
  expect(readings[0]?.rss.usedBytes).toBeGreaterThan(10_000_000);
  // The test, not the monitor, asks for the collection.
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--expose-gc');
  // What `--expose-gc` gives to a new context.
  const collect = (await import('node:vm')).runInNewContext('gc') as () => void;
  collect();
  await collected;
  const heap = readings.at(-1)?.heap;
  expect(heap?.usedBytes).toBeGreaterThan(1_000_000);
  expect(heap?.limitBytes).toBeGreaterThan(heap?.usedBytes ?? Infinity);
});

test.each([{ elevated: 0.9, critical: 0.8 }, { critical: 2 }, { margin: -1 }, { calmMs: NaN }])(
  'refuses thresholds %o',
  (thresholds) => {
    expect(() => createMemoryPressure({ thresholds })).toThrow(RangeError);
  },
);

test('a cache sheds what was unused for longest, and everything when it is critical', () => {
  const cache = new LRUCache<number, number>({ max: 100 });
  const fill = (): void => {
    for (let key = 0; key < 10; key += 1) cache.set(key, key);
  };
  fill();
  const levels = new Subject<{ level: PressureLevel }>();
  const subscription = shedOnPressure(cache, levels);
  cache.get(0);
  levels.next({ level: 'normal' });
  expect(cache.size).toBe(10);
  levels.next({ level: 'elevated' });
  expect([...cache.keys()].sort()).toEqual([0, 6, 7, 8, 9]);
  levels.next({ level: 'critical' });
  expect(cache.size).toBe(0);
  fill();
  levels.next({ level: 'elevated' });
  expect(cache.size).toBe(10);
  subscription.unsubscribe();
  levels.next({ level: 'critical' });
  expect(cache.size).toBe(10);
  expect(() => shedOnPressure(cache, levels, { elevatedShare: 2 })).toThrow(RangeError);
});

test('levels are ordered', () => {
  expect(isAtLeast('critical', 'elevated')).toBe(true);
  expect(isAtLeast('normal', 'elevated')).toBe(false);
});
