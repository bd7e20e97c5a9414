import { describe, expect, test } from 'vitest';

import { createRegistry, formatMetrics, InvalidLabelsError, type MetricSource } from '@osforge/perf';

const help = 'For the test.';

async function textOf(source: MetricSource): Promise<string> {
  return formatMetrics(await source.collect(), 'prometheus');
}

describe('values that make no sense are not recorded, but counted', () => {
  test('counter: NaN, infinite, negative', async () => {
    const registry = createRegistry();
    const counter = registry.counter({ name: 'osforge_events_total', help });
    counter.inc();
    counter.inc(0.5);
    counter.inc(0);
    for (const value of [Number.NaN, Infinity, -Infinity, -1]) counter.inc(value);
    expect(counter.value).toBe(1.5);
    expect(await textOf(registry)).toContain(
      'osforge_metrics_invalid_values_total{metric="osforge_events_total"} 4\n',
    );
  });

  test('gauge: NaN only, also as a result', async () => {
    const registry = createRegistry();
    const gauge = registry.gauge({ name: 'osforge_queue', help });
    gauge.set(-3);
    gauge.inc();
    gauge.dec(0.5);
    expect(gauge.value).toBe(-2.5);
    gauge.set(Number.NaN);
    expect(gauge.value).toBe(-2.5);
    gauge.set(Infinity);
    gauge.dec(Infinity);
    expect(gauge.value).toBe(Infinity);
    expect(await textOf(registry)).toContain(
      'osforge_metrics_invalid_values_total{metric="osforge_queue"} 2\n',
    );
  });

  test('histogram: NaN, infinite, negative', async () => {
    const registry = createRegistry();
    const histogram = registry.histogram({ name: 'osforge_wait_seconds', help });
    for (const value of [Number.NaN, Infinity, -Infinity, -0.1]) histogram.record(value);
    expect(histogram.snapshot()).toEqual({
      count: 0,
      sum: 0,
      min: undefined,
      max: undefined,
      p50: undefined,
      p95: undefined,
      p99: undefined,
    });
    expect(await textOf(registry)).toContain(
      'osforge_metrics_invalid_values_total{metric="osforge_wait_seconds"} 4\n',
    );
  });
});

describe('labels', () => {
  test('the same values give the same series, in any order of keys', () => {
    const family = createRegistry().counter({
      name: 'osforge_events_total',
      help,
      labels: ['phase', 'kind'],
    });
    expect(family.labels({ phase: 'a', kind: 'b' })).toBe(family.labels({ kind: 'b', phase: 'a' }));
    expect(family.labels({ phase: 'a', kind: 'b' })).not.toBe(family.labels({ phase: 'b', kind: 'a' }));
    expect(family.size).toBe(2);
  });

  test('values that look alike when joined stay apart', () => {
    const family = createRegistry().counter({
      name: 'osforge_events_total',
      help,
      labels: ['phase', 'kind'],
    });
    const pairs = [
      ['a', ',b'],
      ['a,', 'b'],
      ['', 'a,b'],
      ['a\u0000', 'b'],
      ['a', '\u0000b'],
      ['1:a', ''],
      ['', ''],
    ] as const;
    const series = new Set(pairs.map(([phase, kind]) => family.labels({ phase, kind })));
    expect(series.size).toBe(pairs.length);
  });

  test('missing, unknown and other than strings are refused, also beside a series of the empty string', () => {
    // As plain JavaScript may call it.
    const family: { labels(values: Record<string, unknown>): unknown } = createRegistry().counter({
      name: 'osforge_events_total',
      help,
      labels: ['phase'],
    });
    family.labels({ phase: '' });
    for (const values of [{}, { phse: '' }, { phase: 1 }, { phase: undefined }, { phase: '', kind: '' }]) {
      expect(() => family.labels(values)).toThrow(InvalidLabelsError);
    }
    expect(() => family.labels({ phse: '' })).toThrow('no string for phase; unknown phse');
  });

  test('a removed series is gone from the scrape and begins anew', async () => {
    const registry = createRegistry();
    const family = registry.gauge({ name: 'osforge_queue', help, labels: ['a', 'b'] });
    family.labels({ a: 'x', b: 'y' }).set(1);
    family.labels({ a: 'x', b: 'z' }).set(2);
    expect(family.remove({ a: 'x', b: 'y' })).toBe(true);
    expect(family.remove({ a: 'x', b: 'y' })).toBe(false);
    expect(await textOf(registry)).not.toContain('b="y"');
    expect(await textOf(registry)).toContain('osforge_queue{a="x",b="z"} 2\n');
    expect(family.labels({ a: 'x', b: 'y' }).value).toBe(0);
  });
});

describe('label explosions', () => {
  test('what is beyond the most series goes to one series, and is counted', async () => {
    const registry = createRegistry({ maxSeries: 3 });
    const family = registry.counter({ name: 'osforge_events_total', help, labels: ['phase', 'kind'] });
    for (let n = 0; n < 10; n += 1) family.labels({ phase: `p${n}`, kind: 'k' }).inc();
    family.labels({ phase: 'p0', kind: 'k' }).inc();
    const lines = (await textOf(registry))
      .split('\n')
      .filter((line) => line.includes('osforge_events_total'));
    expect(lines).toEqual([
      'osforge_metrics_series_dropped_total{metric="osforge_events_total"} 7',
      '# HELP osforge_events_total For the test.',
      '# TYPE osforge_events_total counter',
      'osforge_events_total{phase="p0",kind="k"} 2',
      'osforge_events_total{phase="p1",kind="k"} 1',
      'osforge_events_total{phase="p2",kind="k"} 1',
      'osforge_events_total{phase="_overflow",kind="_overflow"} 7',
    ]);
    expect(family.size).toBe(3);
  });

  test('whoever asks for the overflow series by its name gets it, once', async () => {
    const registry = createRegistry();
    const family = registry.counter({ name: 'osforge_events_total', help, labels: ['phase'], maxSeries: 1 });
    family.labels({ phase: '_overflow' }).inc();
    family.labels({ phase: 'a' }).inc();
    family.labels({ phase: 'b' }).inc();
    const text = await textOf(registry);
    expect(text.match(/phase="_overflow"/g)).toHaveLength(1);
    expect(text).toContain('osforge_events_total{phase="_overflow"} 2\n');
  });

  test('a thousand by default', () => {
    const family = createRegistry().gauge({ name: 'osforge_queue', help, labels: ['id'] });
    for (let n = 0; n < 1500; n += 1) family.labels({ id: String(n) });
    expect(family.size).toBe(1000);
  });
});
