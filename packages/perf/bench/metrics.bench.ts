import { createHistogram } from 'node:perf_hooks';

import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { build } from 'hdr-histogram-js';
import prom from 'prom-client';
import { expect, test, type TestContext } from 'vitest';

import { createRegistry, formatMetrics, type Registry } from '@osforge/perf';

/** Operations in one iteration: an iteration of 1 µs is 1 ns for each. */
const times = 1000;

/** Durations as they occur: most are short, few are long. In seconds, and in whole numbers for those who need them. */
const seconds = Float64Array.from({ length: times }, (_, n) => 0.001 * Math.exp(((n * 7919) % times) / 125));
const nanoseconds = Float64Array.from(seconds, (value) => Math.round(value * 1e9));
const microseconds = Float64Array.from(seconds, (value) => Math.round(value * 1e6));
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10];
const labelNames = ['phase', 'kind'] as const;
const labels = { phase: 'capture', kind: 'progress' };
const help = 'For the bench.';

/** A reader that asks for nothing on its own. */
class PullReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

function openTelemetry(): { reader: PullReader; meter: ReturnType<MeterProvider['getMeter']> } {
  const reader = new PullReader();
  return { reader, meter: new MeterProvider({ readers: [reader] }).getMeter('bench') };
}

/** The bar: at least three times as fast as prom-client, in the same run, by the medians. */
function expectThreeTimes(result: {
  get(name: 'perf' | 'peer: prom-client'): { latency: { p50: number } };
}): void {
  expect(result.get('peer: prom-client').latency.p50 / result.get('perf').latency.p50).toBeGreaterThanOrEqual(
    3,
  );
}

test('counter (1000 operations a call)', async ({ bench }) => {
  const ours = createRegistry().counter({ name: 'osforge_bench_total', help });
  const theirs = new prom.Counter({ name: 'bench_total', help, registers: [] });
  const { meter, reader } = openTelemetry();
  const open = meter.createCounter('bench');
  await bench.compare(
    bench('perf', () => {
      for (let n = 0; n < times; n += 1) ours.inc();
    }),
    bench('peer: prom-client', () => {
      for (let n = 0; n < times; n += 1) theirs.inc();
    }),
    bench('peer: OpenTelemetry', () => {
      for (let n = 0; n < times; n += 1) open.add(1);
    }),
  );
  // Read, so that nothing of it can be left out.
  expect(ours.value).toBeGreaterThan(0);
  expect(ours.value % times).toBe(0);
  expect((await theirs.get()).values[0]?.value).toBeGreaterThan(0);
  expect((await reader.collect()).errors).toEqual([]);
  // Without labels prom-client's counter is as fast; see docs/decisions/0007-metrics-library.md.
});

test('counter with two labels (1000 operations a call)', async ({ bench }) => {
  const family = createRegistry().counter({ name: 'osforge_bench_total', help, labels: labelNames });
  const ours = family.labels(labels);
  const promFamily = new prom.Counter({ name: 'bench_total', help, registers: [], labelNames });
  const theirs = promFamily.labels(labels);
  const { meter, reader } = openTelemetry();
  const open = meter.createCounter('bench');
  const result = await bench.compare(
    bench('perf', () => {
      for (let n = 0; n < times; n += 1) ours.inc();
    }),
    bench('perf, not bound', () => {
      for (let n = 0; n < times; n += 1) family.labels(labels).inc();
    }),
    bench('peer: prom-client', () => {
      for (let n = 0; n < times; n += 1) theirs.inc();
    }),
    bench('peer: OpenTelemetry (cannot bind)', () => {
      for (let n = 0; n < times; n += 1) open.add(1, labels);
    }),
  );
  expect(ours.value).toBeGreaterThan(0);
  expect((await promFamily.get()).values[0]?.value).toBeGreaterThan(0);
  expect((await reader.collect()).errors).toEqual([]);
  expectThreeTimes(result);
});

test('histogram (1000 operations a call)', async ({ bench }) => {
  const ours = createRegistry().histogram({ name: 'osforge_bench_seconds', help, bounds });
  const theirs = new prom.Histogram({ name: 'bench_seconds', help, registers: [], buckets: bounds });
  const { meter, reader } = openTelemetry();
  const open = meter.createHistogram('bench', { advice: { explicitBucketBoundaries: bounds } });
  const hooks = createHistogram();
  const hdr = build({
    numberOfSignificantValueDigits: 2,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1e9,
  });
  const result = await bench.compare(
    bench('perf', () => {
      for (const value of seconds) ours.record(value);
    }),
    bench('peer: prom-client', () => {
      for (const value of seconds) theirs.observe(value);
    }),
    bench('peer: OpenTelemetry', () => {
      for (const value of seconds) open.record(value);
    }),
    bench('peer: perf_hooks.createHistogram (whole numbers, no buckets)', () => {
      for (const value of nanoseconds) hooks.record(value);
    }),
    bench('peer: hdr-histogram-js (whole numbers, no buckets)', () => {
      for (const value of microseconds) hdr.recordValue(value);
    }),
  );
  expect(ours.snapshot().count % times).toBe(0);
  expect(Math.min(hooks.count, hdr.totalCount)).toBeGreaterThan(0);
  expect((await theirs.get()).values.length).toBeGreaterThan(0);
  expect((await reader.collect()).errors).toEqual([]);
  expectThreeTimes(result);
});

test('histogram with two labels (1000 operations a call)', async ({ bench }) => {
  const ours = createRegistry()
    .histogram({ name: 'osforge_bench_seconds', help, bounds, labels: labelNames })
    .labels(labels);
  const promFamily = new prom.Histogram({
    name: 'bench_seconds',
    help,
    registers: [],
    buckets: bounds,
    labelNames,
  });
  const theirs = promFamily.labels(labels);
  const { meter, reader } = openTelemetry();
  const open = meter.createHistogram('bench', { advice: { explicitBucketBoundaries: bounds } });
  const result = await bench.compare(
    bench('perf', () => {
      for (const value of seconds) ours.record(value);
    }),
    bench('peer: prom-client', () => {
      for (const value of seconds) theirs.observe(value);
    }),
    bench('peer: OpenTelemetry (cannot bind)', () => {
      for (const value of seconds) open.record(value, labels);
    }),
  );
  expect(ours.snapshot().count % times).toBe(0);
  expect((await promFamily.get()).values.length).toBeGreaterThan(0);
  expect((await reader.collect()).errors).toEqual([]);
  expectThreeTimes(result);
});

test('how `le` is kept exact, 11 bounds (1000 operations a call)', async ({ bench }) => {
  const ours = createRegistry().histogram({ name: 'osforge_bench_seconds', help, bounds });
  const hdrOnly = createRegistry().histogram({ name: 'osforge_bench_seconds', help, bounds: [] });
  const counts = new Float64Array(bounds.length + 1);
  const search = (value: number): void => {
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (bounds[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    counts[low] = (counts[low] ?? 0) + 1;
  };
  await bench.compare(
    bench('bins, and a comparison in the bin of a bound (taken)', () => {
      for (const value of seconds) ours.record(value);
    }),
    bench('peer: bins, and a binary search in the bounds', () => {
      for (const value of seconds) {
        hdrOnly.record(value);
        search(value);
      }
    }),
  );
  expect(counts.slice(0, 9).every((count) => count > 0)).toBe(true);
});

/** OpenTelemetry has no text format in the package that is here; its collection alone is in the list. */
async function compareScrapes(
  bench: TestContext['bench'],
  registry: Registry,
  register: prom.Registry,
  reader: PullReader,
): Promise<void> {
  let bytes = 0;
  await bench.compare(
    bench('perf, Prometheus text', async () => {
      bytes += formatMetrics(await registry.collect(), 'prometheus').length;
    }),
    bench('perf, OpenMetrics', async () => {
      bytes += formatMetrics(await registry.collect(), 'openmetrics').length;
    }),
    bench('peer: prom-client, Prometheus text', async () => {
      bytes += (await register.metrics()).length;
    }),
    bench('peer: OpenTelemetry, collected but not written', async () => {
      bytes += (await reader.collect()).resourceMetrics.scopeMetrics.length;
    }),
  );
  expect(bytes).toBeGreaterThan(0);
}

test('a scrape of 1000 series of counters', async ({ bench }) => {
  const registry = createRegistry();
  const register = new prom.Registry();
  const { meter, reader } = openTelemetry();
  for (let metric = 0; metric < 10; metric += 1) {
    const name = `osforge_bench_${metric}_total`;
    const ours = registry.counter({ name, help, labels: labelNames });
    const theirs = new prom.Counter({ name, help, labelNames, registers: [register] });
    const open = meter.createCounter(name);
    for (let n = 0; n < 100; n += 1) {
      const values = { phase: `phase-${n % 10}`, kind: `kind-${n}` };
      ours.labels(values).inc(n);
      theirs.inc(values, n);
      open.add(n, values);
    }
  }
  await compareScrapes(bench, registry, register, reader);
});

test('a scrape of 1000 histograms of 11 bounds', async ({ bench }) => {
  const registry = createRegistry();
  const register = new prom.Registry();
  const { meter, reader } = openTelemetry();
  const name = 'osforge_bench_seconds';
  const ours = registry.histogram({ name, help, bounds, labels: labelNames });
  const theirs = new prom.Histogram({ name, help, buckets: bounds, labelNames, registers: [register] });
  const open = meter.createHistogram(name, { advice: { explicitBucketBoundaries: bounds } });
  for (let n = 0; n < 1000; n += 1) {
    const values = { phase: `phase-${n % 10}`, kind: `kind-${n}` };
    for (let m = 0; m < 20; m += 1) {
      const value = seconds[(n * 7 + m) % times] ?? 0;
      ours.labels(values).record(value);
      theirs.observe(values, value);
      open.record(value, values);
    }
  }
  await compareScrapes(bench, registry, register, reader);
});
