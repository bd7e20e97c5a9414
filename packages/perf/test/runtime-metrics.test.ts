import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import {
  createRegistry,
  createRuntimeMetrics,
  DuplicateMetricError,
  RuntimeMetricsOwnedError,
  type MetricFamily,
  type Registry,
} from '@osforge/perf';

async function families(registry: Registry): Promise<Map<string, MetricFamily>> {
  return new Map((await registry.collect()).map((family) => [family.name, family]));
}

async function valueOf(registry: Registry, name: string): Promise<number> {
  const family = (await families(registry)).get(name);
  if (family === undefined || family.type === 'histogram') throw new Error(`${name} is not there`);
  return family.series[0]?.value ?? Number.NaN;
}

test('every figure is there under its well-known name, and plausible', async () => {
  const registry = createRegistry();
  const runtime = createRuntimeMetrics(registry, { owner: 'the test', folders: ['/'] });
  runtime.start();
  runtime.start();
  try {
    const all = await families(registry);
    const first = (name: string): number => {
      const family = all.get(name);
      return family === undefined || family.type === 'histogram'
        ? Number.NaN
        : (family.series[0]?.value ?? Number.NaN);
    };
    expect(first('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(first('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(first('process_start_time_seconds')).toBeGreaterThan(1.6e9);
    expect(first('process_open_fds')).toBeGreaterThan(3);
    expect(first('process_max_fds')).toBeGreaterThan(first('process_open_fds'));
    expect(first('nodejs_heap_size_used_bytes')).toBeLessThan(first('nodejs_heap_size_limit_bytes'));
    expect(first('nodejs_heap_size_total_bytes')).toBeGreaterThan(1e6);
    expect(first('nodejs_external_memory_bytes')).toBeGreaterThan(0);
    expect(first('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
    expect(first('nodejs_eventloop_utilization_ratio')).toBeLessThanOrEqual(1);
    expect(first('osforge_disk_free_bytes')).toBeLessThanOrEqual(first('osforge_disk_size_bytes'));
    const spaces = all
      .get('nodejs_heap_space_size_used_bytes')
      ?.series.map(({ labelValues }) => labelValues[0]);
    expect(spaces).toEqual(expect.arrayContaining(['new', 'old', 'code']));
    expect([...all.keys()]).toEqual(
      expect.arrayContaining(
        ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
          (each) => `nodejs_eventloop_lag_${each}_seconds`,
        ),
      ),
    );
  } finally {
    runtime.stop();
    runtime.stop();
  }
  expect([...(await families(registry)).keys()].every((name) => name.startsWith('osforge_metrics_'))).toBe(
    true,
  );
});

test('a file that is opened is one more descriptor', async () => {
  const registry = createRegistry();
  const runtime = createRuntimeMetrics(registry, { owner: 'the test' });
  runtime.start();
  try {
    const before = await valueOf(registry, 'process_open_fds');
    const opened = await Promise.all(Array.from({ length: 20 }, () => open('/dev/null')));
    const during = await valueOf(registry, 'process_open_fds');
    await Promise.all(opened.map((each) => each.close()));
    expect(during - before).toBeGreaterThan(10);
  } finally {
    runtime.stop();
  }
});

/** Run apart: `--expose-gc` cannot be had in here. */
test('a collection shows as a pause by kind and as the heap after it; a busy loop as delay', async () => {
  const script = `
    import { setImmediate } from 'node:timers/promises';
    import { PerformanceObserver } from 'node:perf_hooks';
    import { createRegistry, createRuntimeMetrics } from '@osforge/perf';
    const registry = createRegistry();
    createRuntimeMetrics(registry, { owner: 'the script' }).start();
    const seen = async (name) => (await registry.collect()).find((family) => family.name === name)?.series;
    const told = new Promise((resolve) => new PerformanceObserver(resolve).observe({ entryTypes: ['gc'] }));
    gc();
    // Being told keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    await told;
    clearInterval(alive);
    await setImmediate();
    const ran = new Promise((resolve) => setTimeout(resolve, 30));
    for (const end = performance.now() + 300; performance.now() < end; );
    await ran;
    const lag = await seen('nodejs_eventloop_lag_max_seconds');
    const pauses = (await registry.collect()).find((family) => family.name === 'nodejs_gc_duration_seconds').series;
    console.log(JSON.stringify({
      after: (await seen('nodejs_heap_size_used_after_gc_bytes'))[0]?.value,
      major: pauses.find((series) => series.labelValues[0] === 'major')?.count,
      lag: lag[0].value,
    }));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--conditions=@osforge/source', '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '..') },
  );
  const { after, major, lag } = JSON.parse(stdout) as Record<string, number>;
  expect(after).toBeGreaterThan(1e6);
  expect(major).toBeGreaterThanOrEqual(1);
  expect(lag).toBeGreaterThan(0.2);
});

test('a folder that is gone is counted as a failure of its collector, and no old figure is shown', async () => {
  const registry = createRegistry();
  const runtime = createRuntimeMetrics(registry, { owner: 'the test', folders: ['/', '/not/there'] });
  runtime.start();
  try {
    const all = await families(registry);
    expect(all.get('osforge_disk_free_bytes')?.series.map(({ labelText }) => labelText)).toEqual([
      'folder="/"',
    ]);
    await registry.collect();
    expect(all.get('osforge_metrics_collector_failures_total')?.series[0]?.labelValues).toEqual([
      'disk',
      'error',
    ]);
  } finally {
    runtime.stop();
  }
});

test('where the system does not tell of open files, the rest is there', async () => {
  const registry = createRegistry();
  const runtime = createRuntimeMetrics(registry, { owner: 'the test', procFolder: '/not/there' });
  runtime.start();
  try {
    expect(await valueOf(registry, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  } finally {
    runtime.stop();
  }
});

test('a second owner is refused with the name of the first, until that one stops', () => {
  const registry = createRegistry();
  const first = createRuntimeMetrics(registry, { owner: 'the build' });
  const second = createRuntimeMetrics(registry, { owner: 'the daemon' });
  first.start();
  expect(() => {
    second.start();
  }).toThrow(RuntimeMetricsOwnedError);
  expect(() => {
    second.start();
  }).toThrow('the build has started them');
  first.stop();
  second.start();
  second.stop();
});

test('a name that is taken leaves the registry as it was', async () => {
  const registry = createRegistry();
  registry.gauge({ name: 'nodejs_heap_size_limit_bytes', help: 'Mine.' }).set(5);
  const before = [...(await families(registry)).keys()];
  expect(() => {
    createRuntimeMetrics(registry, { owner: 'the test' }).start();
  }).toThrow(DuplicateMetricError);
  expect([...(await families(registry)).keys()]).toEqual(before);
  expect(await valueOf(registry, 'nodejs_heap_size_limit_bytes')).toBe(5);
});
