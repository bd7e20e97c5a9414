import { describe, expect, test } from 'vitest';

import {
  combine,
  createRegistry,
  formatMetrics,
  MetricsCancelledError,
  MetricsTimeoutError,
  type MetricSource,
} from '@osforge/perf';

const help = 'For the test.';
const never = new Promise<void>(() => {});

async function textOf(source: MetricSource): Promise<string> {
  return formatMetrics(await source.collect(), 'prometheus');
}

describe('collectors', () => {
  test('are read at each scrape, and not before; what they returned takes them out', async () => {
    const registry = createRegistry();
    const gauge = registry.gauge({ name: 'osforge_queue', help });
    let read = 0;
    const takeOut = registry.collector('queue', async () => {
      await Promise.resolve();
      gauge.set((read += 1));
    });
    expect(read).toBe(0);
    expect(await textOf(registry)).toContain('\nosforge_queue 1\n');
    expect(await textOf(registry)).toContain('\nosforge_queue 2\n');
    takeOut();
    expect(await textOf(registry)).toContain('\nosforge_queue 2\n');
  });

  test('that throw, reject or are late are counted and told of, and hurt no other', async () => {
    const failures: unknown[][] = [];
    const registry = createRegistry({
      collectorTimeoutMs: 20,
      onCollectorFailure: (...failure) => {
        failures.push(failure);
        throw new Error('a listener that fails, too');
      },
    });
    const gauge = registry.gauge({ name: 'osforge_queue', help });
    const thrown = new Error('thrown');
    registry.collector('throws', () => {
      throw thrown;
    });
    registry.collector('rejects', () => Promise.reject(new Error('rejected')));
    let late: AbortSignal | undefined;
    registry.collector('late', ({ signal }) => {
      late = signal;
      return never;
    });
    registry.collector('good', () => {
      gauge.set(7);
    });
    const first = await textOf(registry);
    expect(first).toContain('\nosforge_queue 7\n');
    expect(first).toContain(
      'osforge_metrics_collector_failures_total{collector="throws",reason="error"} 1\n',
    );
    expect(first).toContain(
      'osforge_metrics_collector_failures_total{collector="rejects",reason="error"} 1\n',
    );
    expect(first).toContain(
      'osforge_metrics_collector_failures_total{collector="late",reason="timeout"} 1\n',
    );
    expect(late?.aborted).toBe(true);
    expect(failures[0]).toEqual(['throws', 'error', thrown]);
    // The late one never ended: it is not started a second time.
    expect(await textOf(registry)).toContain('{collector="late",reason="running"} 1\n');
  });

  test('may give the promise of another library, or scrape their own registry', async () => {
    const registry = createRegistry({ collectorTimeoutMs: 50 });
    let runs = 0;
    const thenable = {
      then: (done: () => void): void => {
        done();
      },
    };
    registry.collector('thenable', () => {
      runs += 1;
      // The cast stands for a library whose promises have `then` only.
      return thenable as unknown as Promise<void>;
    });
    registry.collector('circle', async () => {
      await registry.collect();
    });
    await registry.collect();
    const text = await textOf(registry);
    expect(runs).toBe(2);
    expect(text).not.toContain('collector="thenable"');
    // It waits for itself until its time is over.
    expect(text).toMatch(/\{collector="circle",reason="timeout"\} \d\n/);
  });

  test('run once for all who scrape at the same time', async () => {
    const registry = createRegistry();
    let runs = 0;
    registry.collector('slow', async () => {
      runs += 1;
      await new Promise(setImmediate);
    });
    await Promise.all([registry.collect(), registry.collect(), combine(registry).collect()]);
    expect(runs).toBe(1);
    await registry.collect();
    expect(runs).toBe(2);
  });

  test('whoever waits has a deadline and a signal of their own', async () => {
    const registry = createRegistry({ collectorTimeoutMs: 60_000 });
    let end = (): void => {};
    registry.collector('slow', () => new Promise<void>((resolve) => (end = resolve)));
    const patient = registry.collect();
    await expect(registry.collect({ timeoutMs: 5 })).rejects.toThrow(MetricsTimeoutError);
    await expect(registry.collect({ signal: AbortSignal.abort('enough') })).rejects.toThrow(
      MetricsCancelledError,
    );
    const controller = new AbortController();
    const cancelled = registry.collect({ signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toThrow(MetricsCancelledError);
    end();
    expect((await patient).length).toBe(3);
  });
});

describe('combine', () => {
  test('puts metrics side by side and adds up what is the same', async () => {
    const [one, other] = [createRegistry(), createRegistry()];
    for (const [registry, phase] of [
      [one, 'disk'],
      [other, 'capture'],
    ] as const) {
      const counter = registry.counter({ name: 'osforge_events_total', help, labels: ['phase'] });
      counter.labels({ phase }).inc();
      counter.labels({ phase: 'both' }).inc();
      const histogram = registry.histogram({ name: 'osforge_wait_seconds', help, bounds: [1, 2] });
      histogram.record(1);
      histogram.record(1.5);
    }
    other.gauge({ name: 'osforge_queue', help }).set(3);
    const text = await textOf(combine(one, other));
    expect(text.match(/# TYPE osforge_events_total/g)).toHaveLength(1);
    expect(text).toContain(
      '{phase="disk"} 1\nosforge_events_total{phase="both"} 2\nosforge_events_total{phase="capture"} 1\n',
    );
    expect(text).toContain(
      'osforge_wait_seconds_bucket{le="1.0"} 2\nosforge_wait_seconds_bucket{le="2.0"} 4\n',
    );
    expect(text).toContain('osforge_wait_seconds_sum 5\nosforge_wait_seconds_count 4\n');
    expect(text).toContain('\nosforge_queue 3\n');
    expect(text).not.toContain('conflicts');
  });

  test('of what does not fit together the first stays, and the rest is counted', async () => {
    const [one, other] = [createRegistry(), createRegistry()];
    one.gauge({ name: 'osforge_queue', help }).set(1);
    other.gauge({ name: 'osforge_queue', help }).set(2);
    one.histogram({ name: 'osforge_wait_seconds', help, bounds: [1] }).record(1);
    other.histogram({ name: 'osforge_wait_seconds', help, bounds: [2] }).record(1);
    one.counter({ name: 'osforge_events_total', help }).inc();
    other.gauge({ name: 'osforge_events', help }).set(1);
    const text = await textOf(combine(one, other));
    expect(text).toContain('\nosforge_queue 1\n');
    expect(text).not.toContain('le="2.0"');
    expect(text).not.toContain('# TYPE osforge_events gauge');
    for (const metric of ['osforge_queue', 'osforge_wait_seconds', 'osforge_events']) {
      expect(text).toContain(`osforge_metrics_conflicts_total{metric="${metric}"} 1\n`);
    }
  });
});
