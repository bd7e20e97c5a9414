import { filter, firstValueFrom, map, mergeMap, take, toArray } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';

import {
  BusClosedError,
  createEventBus,
  NotJsonError,
  ofType,
  type BusEvent,
  type EventBus,
  type EventOf,
  type JsonObject,
} from '@osforge/event-bus';

type Events = {
  'phase.started': { phase: string };
  'phase.progress': { phase: string; fraction: number };
  'build.failed': { reason: string; log?: string };
};

const now = (): number => Date.UTC(2026, 0, 31, 12, 0, 0, 7);
const newBus = (options: Parameters<typeof createEventBus>[0] = {}): EventBus<Events> =>
  createEventBus<Events>({ now, ...options });

describe('publish', () => {
  test('makes the envelope', () => {
    const bus = newBus({ buildId: 'b1', afterSeq: 41 });
    expect(bus.publish('disk', 'phase.started', { phase: 'disk' })).toEqual({
      v: 1,
      seq: 42,
      time: '2026-01-31T12:00:00.007Z',
      source: 'disk',
      type: 'phase.started',
      buildId: 'b1',
      data: { phase: 'disk' },
    });
    expect(newBus().publish('x', 'phase.started', { phase: '' })).not.toHaveProperty('buildId');
  });

  test('makes a frozen copy: nobody can change an event afterwards', () => {
    const bus = createEventBus<{ e: { list: { n: number }[] } }>();
    const data = { list: [{ n: 1 }] };
    const event = bus.publish('x', 'e', data);
    data.list[0] = { n: 2 };
    expect(event.data).toEqual({ list: [{ n: 1 }] });
    expect(() => {
      event.data.list.push({ n: 3 });
    }).toThrow(TypeError);
    expect(() => {
      Object.assign(event, { seq: 7 });
    }).toThrow(TypeError);
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = [cycle];
  test.each([
    ['data.a[1]', 'NaN', { a: [1, Number.NaN] }],
    ['data.a', '-Infinity', { a: Number.NEGATIVE_INFINITY }],
    ['data.a.b', 'undefined', { a: { b: undefined } }],
    ['data.a[0]', 'undefined', { a: new Array(1) }],
    ['data.a', 'a bigint', { a: 10n }],
    ['data.a', 'a function', { a: () => 1 }],
    ['data.a', 'a symbol', { a: Symbol('x') }],
    ['data["a b"]', 'a Date', { 'a b': new Date(0) }],
    ['data.a', 'a Map', { a: new Map() }],
    ['data.a', 'a Buffer', { a: Buffer.from('x') }],
    ['data.self[0]', 'a cycle', cycle],
    ['data', 'an array instead of an object', [1]],
    ['data', 'null', null],
    ['data', 'a string', 'text'],
  ])('refuses %s that is %s', (path, found, data) => {
    const bus = createEventBus<Record<string, JsonObject>>();
    // What TypeScript would refuse comes from plain JavaScript.
    const publish = (): unknown => bus.publish('x', 'e', data as unknown as JsonObject);
    expect(publish).toThrow(NotJsonError);
    expect(publish).toThrow(expect.objectContaining({ code: 'EVENT_BUS_NOT_JSON', path, found }));
    expect(bus.lastSeq).toBe(0);
  });

  test('takes everything that JSON can say, and it survives the way through JSON', () => {
    const bus = createEventBus<{ e: JsonObject }>();
    const shared = { n: 1 };
    const data = JSON.parse('{"__proto__":{"x":1},"constructor":"c"}') as JsonObject;
    const event = bus.publish('x', 'e', {
      ...data,
      twice: [shared, shared],
      t: true,
      nil: null,
      s: '\ud800 ä',
    });
    expect(JSON.parse(JSON.stringify(event))).toEqual(event);
    expect(bus.publish('x', 'e', data).data).toEqual(data);
    expect(Object.getPrototypeOf(bus.publish('x', 'e', data).data)).toBe(Object.prototype);
  });

  test('after close is an error', () => {
    const bus = newBus();
    bus.close();
    bus.close();
    expect(() => bus.publish('x', 'phase.started', { phase: 'p' })).toThrow(BusClosedError);
  });
});

describe('types', () => {
  test('what JSON cannot say does not compile', () => {
    const bus = newBus();
    // @ts-expect-error a Date is not JSON
    createEventBus<{ e: { at: Date } }>();
    // @ts-expect-error a Map is not JSON
    createEventBus<{ e: { map: Map<string, string> } }>();
    // @ts-expect-error a bigint is not JSON
    createEventBus<{ e: { size: bigint } }>();
    // @ts-expect-error an undefined value is not JSON
    createEventBus<{ e: { x: string | undefined } }>();
    // @ts-expect-error an event's data is an object
    createEventBus<{ e: string }>();
    // @ts-expect-error the fraction is missing
    bus.publish('x', 'phase.progress', { phase: 'p' });
    // @ts-expect-error no such event
    expectTypeOf(bus.select('phase.unknown')).not.toBeAny();
    // @ts-expect-error an optional field is left out, not undefined
    expect(() => bus.publish('x', 'build.failed', { reason: 'r', log: undefined })).toThrow(NotJsonError);
    expect(bus.publish('x', 'build.failed', { reason: 'r' }).data).toEqual({ reason: 'r' });
  });

  test('select narrows', () => {
    const bus = newBus();
    expectTypeOf(bus.select('phase.started')).toExtend<{ subscribe: unknown }>();
    bus.select('phase.started').subscribe((event) => {
      expectTypeOf(event).toEqualTypeOf<BusEvent<'phase.started', { phase: string }>>();
    });
    bus.select('phase.progress', 'build.failed').subscribe((event) => {
      expectTypeOf(event.type).toEqualTypeOf<'phase.progress' | 'build.failed'>();
      if (event.type === 'phase.progress') expectTypeOf(event.data.fraction).toBeNumber();
      else expectTypeOf(event.data.reason).toBeString();
    });
    bus.live$.pipe(ofType('build.failed')).subscribe((event) => {
      expectTypeOf(event.data).toEqualTypeOf<{ reason: string; log?: string }>();
    });
    expectTypeOf(bus.publish('x', 'phase.started', { phase: 'p' })).toEqualTypeOf<
      EventOf<Events, 'phase.started'>
    >();
  });
});

describe('subscribers', () => {
  const publishMany = (bus: EventBus<Events>, count: number, from = 1): void => {
    for (let n = from; n < from + count; n += 1)
      bus.publish('x', 'phase.progress', { phase: 'p', fraction: n });
  };

  test('get only the types they select, in order', () => {
    const bus = newBus();
    const one: number[] = [];
    const two: number[] = [];
    const filtered: number[] = [];
    bus.select('phase.started').subscribe(({ seq }) => one.push(seq));
    bus.select('build.failed', 'phase.started', 'phase.started').subscribe(({ seq }) => two.push(seq));
    bus.live$.pipe(ofType('build.failed')).subscribe(({ seq }) => filtered.push(seq));
    bus.publish('x', 'phase.started', { phase: 'a' });
    bus.publish('x', 'phase.progress', { phase: 'a', fraction: 1 });
    bus.publish('x', 'build.failed', { reason: 'r' });
    bus.publish('x', 'phase.started', { phase: 'b' });
    expect([one, two, filtered]).toEqual([[1, 4], [1, 3, 4], [3]]);
  });

  test('that come late get the last N first, without loss or repetition', () => {
    const bus = newBus({ replaySize: 3 });
    publishMany(bus, 5);
    const all: number[] = [];
    const selected: number[] = [];
    const live: number[] = [];
    bus.events$.subscribe(({ seq }) => all.push(seq));
    bus.select('phase.progress').subscribe(({ seq }) => selected.push(seq));
    bus.live$.subscribe(({ seq }) => live.push(seq));
    publishMany(bus, 1);
    expect([all, selected, live]).toEqual([[3, 4, 5, 6], [3, 4, 5, 6], [6]]);
    const none: number[] = [];
    const without = newBus({ replaySize: 0 });
    publishMany(without, 2);
    without.events$.subscribe(({ seq }) => none.push(seq));
    expect(none).toEqual([]);
  });

  test('that subscribe or publish while an event is handed out see each event once and in order', () => {
    const bus = newBus();
    const seen: Record<string, number[]> = { early: [], events: [], select: [], live: [], last: [] };
    bus.events$.pipe(take(1)).subscribe(() => {
      bus.events$.subscribe(({ seq }) => seen['events']?.push(seq));
      bus.select('phase.started', 'phase.progress').subscribe(({ seq }) => seen['select']?.push(seq));
      bus.live$.subscribe(({ seq }) => seen['live']?.push(seq));
      publishMany(bus, 2);
    });
    bus.events$.subscribe(({ seq }) => seen['last']?.push(seq));
    bus.publish('x', 'phase.started', { phase: 'p' });
    expect(seen).toEqual({ early: [], events: [1, 2, 3], select: [1, 2, 3], live: [2, 3], last: [1, 2, 3] });
  });

  test('that publish while they get the replay lose nothing', () => {
    const bus = newBus();
    publishMany(bus, 2);
    const seen: number[] = [];
    bus.events$.subscribe(({ seq }) => {
      seen.push(seq);
      if (seq <= 2) publishMany(bus, 1);
    });
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test('that unsubscribe during the replay get no more', () => {
    const bus = newBus();
    publishMany(bus, 3);
    const seen: number[] = [];
    bus.events$.pipe(take(1)).subscribe(({ seq }) => seen.push(seq));
    publishMany(bus, 1);
    expect(seen).toEqual([1]);
  });

  test('are completed by close, also late ones after the replay', async () => {
    const bus = newBus();
    const early = firstValueFrom(bus.live$.pipe(toArray()));
    publishMany(bus, 2);
    bus.close();
    expect((await early).length).toBe(2);
    expect((await firstValueFrom(bus.select('phase.progress').pipe(toArray()))).length).toBe(2);
    expect((await firstValueFrom(bus.events$.pipe(toArray()))).length).toBe(2);
  });

  test('that close the bus while an event is handed out do not cut it off for others', () => {
    const bus = newBus();
    const seen: (number | string)[] = [];
    bus.events$.subscribe(() => {
      bus.close();
    });
    bus
      .select('phase.progress')
      .subscribe({ next: ({ seq }) => seen.push(seq), complete: () => seen.push('end') });
    publishMany(bus, 1);
    expect(seen).toEqual([1, 'end']);
  });
});

describe('a subscriber that throws', () => {
  test('hurts nobody, stays subscribed, and is reported', () => {
    const errors: unknown[] = [];
    const bus = newBus({ onSubscriberError: (error) => errors.push(error) });
    const seen: number[] = [];
    const bad = (name: string) => (): never => {
      throw new Error(name);
    };
    bus.events$.subscribe(bad('events$'));
    bus.select('phase.started').subscribe({ next: bad('select') });
    bus.live$
      .pipe(
        filter(() => true),
        map((event) => event.seq),
      )
      .subscribe(bad('behind operators'));
    bus.live$.pipe(map(bad('in an operator'))).subscribe(() => expect.unreachable());
    bus.live$.pipe(map(bad('in an operator, handled'))).subscribe({ error: (error) => errors.push(error) });
    bus.live$.pipe(mergeMap((event) => [event, event])).subscribe(({ seq }) => seen.push(seq));
    bus.publish('x', 'phase.started', { phase: 'p' });
    bus.publish('x', 'phase.started', { phase: 'p' });
    expect(seen).toEqual([1, 1, 2, 2]);
    const messages = errors.map((error) => (error instanceof Error ? error.message : error));
    expect(messages.toSorted()).toEqual(
      [
        ...['events$', 'select', 'behind operators', 'events$', 'select', 'behind operators'],
        // An operator that throws ends its own chain only.
        ...['in an operator', 'in an operator, handled'],
      ].toSorted(),
    );
  });

  test('is a process warning if nobody asked, also when who asked throws', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error): void => {
      if (warning.name === 'SubscriberError') warnings.push(warning.message);
    };
    process.on('warning', listen);
    const fail = (): never => {
      throw new Error('display is broken');
    };
    const bus = newBus();
    bus.live$.subscribe(fail);
    bus.publish('x', 'phase.started', { phase: 'p' });
    const worse = newBus({ onSubscriberError: fail });
    worse.live$.subscribe(fail);
    worse.publish('x', 'phase.started', { phase: 'p' });
    await new Promise(setImmediate);
    process.off('warning', listen);
    expect(warnings).toEqual(Array(2).fill('A subscriber of the event bus failed: display is broken'));
  });
});
