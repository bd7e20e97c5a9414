import { describe, expect, test } from 'vitest';
import { createEventLog } from '../src/event-log.ts';
import type { PipelineEvent } from '../src/events.ts';

const lineOf = (event: PipelineEvent): string => (event.type === 'phase.log' ? event.data.line : event.type);

function collect(log: ReturnType<typeof createEventLog>): { seen: string[]; completed: () => boolean } {
  const seen: string[] = [];
  let completed = false;
  log.events$.subscribe({
    next: (event) => seen.push(lineOf(event)),
    complete: () => {
      completed = true;
    },
  });
  return { seen, completed: () => completed };
}

describe('events of a run', () => {
  test('reach early and late subscribers in one order, and complete for both', () => {
    const log = createEventLog();
    const early = collect(log);
    log.publish('phase.log', { phase: 'a', line: 'one' });
    log.publish('phase.reused', { phase: 'a', reason: '' });
    const middle = collect(log);
    log.publish('phase.log', { phase: 'a', line: 'two' });
    log.complete();
    const late = collect(log);
    for (const { seen, completed } of [early, middle, late]) {
      expect(seen).toEqual(['one', 'phase.reused', 'two']);
      expect(completed()).toBe(true);
    }
  });

  test('are kept but for the oldest log lines, and the number of those is said', () => {
    const log = createEventLog(10);
    log.publish('phase.reused', { phase: 'a', reason: '' });
    for (let line = 0; line < 95; line += 1) log.publish('phase.log', { phase: 'a', line: String(line) });
    const seen: PipelineEvent[] = [];
    log.events$.subscribe((event) => seen.push(event));
    expect(seen[0]).toEqual({ type: 'events.dropped', data: { count: 85 } });
    expect(seen.slice(1).map(lineOf)).toEqual([
      'phase.reused',
      ...Array.from({ length: 10 }, (_, n) => String(n + 85)),
    ]);
  });

  test('that are published while a subscriber is replayed to come after the replay, once', () => {
    const log = createEventLog();
    log.publish('phase.log', { phase: 'a', line: 'one' });
    log.publish('phase.log', { phase: 'a', line: 'two' });
    const seen: string[] = [];
    log.events$.subscribe((event) => {
      seen.push(lineOf(event));
      if (seen.length === 1) log.publish('phase.log', { phase: 'a', line: 'three' });
    });
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  test('stop for a subscriber that leaves, also in the middle of the replay', () => {
    const log = createEventLog();
    log.publish('phase.log', { phase: 'a', line: 'one' });
    const { seen } = collect(log);
    const gone: string[] = [];
    const subscription = log.events$.subscribe((event) => gone.push(lineOf(event)));
    subscription.unsubscribe();
    log.publish('phase.log', { phase: 'a', line: 'two' });
    expect(seen).toEqual(['one', 'two']);
    expect(gone).toEqual(['one']);
  });
});
