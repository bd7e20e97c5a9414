import { EventEmitter } from 'node:events';

import { filter, Subject } from 'rxjs';
import { test } from 'vitest';

import { createEventBus } from '@osforge/event-bus';

type Progress = { phase: string; fraction: number };
type Events = Record<`type.${number}`, Progress>;
const data: Progress = { phase: 'disk', fraction: 0.5 };
const published = 1000;

let sum = 0;
const take = (event: { data: Progress }): void => {
  sum += event.data.fraction;
};

test('publish to one subscriber of all (1000 operations a call)', async ({ bench }) => {
  const bus = createEventBus<Events>();
  bus.live$.subscribe(take);
  const subject = new Subject<{ type: string; data: Progress }>();
  subject.subscribe(take);
  const emitter = new EventEmitter();
  emitter.on('event', take);
  await bench.compare(
    bench('event-bus', () => {
      for (let n = 0; n < published; n += 1) bus.publish('bench', 'type.0', data);
    }),
    bench('floor: rxjs Subject (no envelope, no copy, no check)', () => {
      for (let n = 0; n < published; n += 1) subject.next({ type: 'type.0', data });
    }),
    bench('peer: rxjs Subject with the envelope and a structuredClone', () => {
      for (let n = 0; n < published; n += 1) {
        const envelope = { v: 1, seq: n, time: new Date().toISOString(), source: 'bench', type: 'type.0' };
        subject.next({ ...envelope, data: structuredClone(data) });
      }
    }),
    bench('floor: node EventEmitter (no envelope, no copy, no check)', () => {
      for (let n = 0; n < published; n += 1) emitter.emit('event', { type: 'type.0', data });
    }),
  );
});

test('publish events of 20 types to 100 subscribers of one type each (1000 operations a call)', async ({
  bench,
}) => {
  const bus = createEventBus<Events>();
  const subject = new Subject<{ type: string; data: Progress }>();
  const emitter = new EventEmitter();
  emitter.setMaxListeners(1000);
  const types = Array.from({ length: 20 }, (_, n) => `type.${n}` as const);
  for (let n = 0; n < 100; n += 1) {
    const type = `type.${n % 20}` as const;
    bus.select(type).subscribe(take);
    subject.pipe(filter((event) => event.type === type)).subscribe(take);
    emitter.on(type, take);
  }
  await bench.compare(
    bench('event-bus select', () => {
      for (let n = 0; n < published; n += 1) bus.publish('bench', types[n % 20] ?? 'type.0', data);
    }),
    bench('peer: rxjs Subject + filter', () => {
      for (let n = 0; n < published; n += 1) subject.next({ type: types[n % 20] ?? 'type.0', data });
    }),
    bench('peer: node EventEmitter, an event name each', () => {
      for (let n = 0; n < published; n += 1) emitter.emit(types[n % 20] ?? 'type.0', { type: '', data });
    }),
  );
  if (sum === 0) throw new Error('nothing was received');
});
