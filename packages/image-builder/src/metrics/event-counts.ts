import type { Counter, Registry } from '@osforge/perf';
import { buildMetrics } from '@osforge/perf/catalog';
import type { BuildEvent } from './build-event.ts';

/** Counts events by type, and those that did not come: the numbers of a bus have no gaps. */
export function eventCounts(registry: Registry, buildId: string): (event: BuildEvent) => void {
  const events = registry.counter(buildMetrics.events);
  const dropped = registry.counter(buildMetrics.eventsDropped);
  // Bound at once: a series that begins with 0 shows its first increase.
  const missed = dropped.labels({ build_id: buildId, place: 'metrics' });
  const unwritten = dropped.labels({ build_id: buildId, place: 'journal' });
  const unseen = dropped.labels({ build_id: buildId, place: 'late-subscriber' });
  const byType = new Map<string, Counter>();
  let last: number | undefined;
  return (event) => {
    const { type, seq } = event;
    let counter = byType.get(type);
    if (counter === undefined) {
      counter = events.labels({ build_id: buildId, type });
      byType.set(type, counter);
    }
    counter.inc();
    if (last !== undefined && seq > last + 1) missed.inc(seq - last - 1);
    last = seq;
    if (event.type === 'events.dropped') unseen.inc(event.data.count);
    else if (event.type === 'journal.incomplete') unwritten.inc(event.data.count);
  };
}
