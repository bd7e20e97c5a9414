import { createEventBus } from '@osforge/event-bus';

type Events = Record<'disk.progress' | 'disk.done', { fraction: number }>;

export const cycles = 20_000;

const bus = createEventBus<Events>();
let received = 0;

/** A component that listens for a while, hears something and goes. */
export function cycle(): void {
  const subscriptions = [
    bus.live$.subscribe(() => (received += 1)),
    bus.select('disk.progress').subscribe(() => (received += 1)),
    bus.select('disk.done').subscribe(() => (received += 1)),
  ];
  const before = received;
  bus.publish('bench', 'disk.progress', { fraction: 0.5 });
  bus.publish('bench', 'disk.done', { fraction: 1 });
  for (const subscription of subscriptions) subscription.unsubscribe();
  if (received - before !== 4) throw new Error('An event was not received.');
}
