import { describe, expect, test } from 'vitest';

import {
  createRegistry,
  DuplicateMetricError,
  InvalidLabelNameError,
  InvalidMetricNameError,
  InvalidMetricOptionError,
  isTransientMetricsError,
} from '@osforge/perf';

const help = 'For the test.';

describe('names of metrics', () => {
  test.each([
    ['', 'lower-case'],
    ['1_bytes', 'lower-case'],
    ['osforgeEvents', 'lower-case'],
    ['osforge-events', 'lower-case'],
    ['osforge:events', 'recording rules'],
    ['osforge events', 'lower-case'],
    ['osforge_ünits', 'lower-case'],
    ['osforge_events\n', 'lower-case'],
    ['__events', 'reserved'],
    ['osforge_events_total', '_total is reserved'],
    ['osforge_events_bucket', '_bucket is reserved'],
    ['osforge_events_count', '_count is reserved'],
    ['osforge_events_sum', '_sum is reserved'],
    ['osforge_events_created', '_created is reserved'],
    ['osforge_wait_ms', 'abbreviation'],
    ['osforge_wait_milliseconds', 'count in seconds'],
    ['osforge_wait_minutes', 'count in seconds'],
    ['osforge_image_megabytes', 'count in bytes'],
    ['osforge_image_kilobits', 'count in bytes'],
    ['osforge_hits_percent', 'count in ratio'],
    ['osforge_queue_gauge', 'the type (gauge)'],
  ])('a gauge %j is refused: %s', (name, reason) => {
    const refused = (): unknown => createRegistry().gauge({ name, help });
    expect(refused).toThrow(InvalidMetricNameError);
    expect(refused).toThrow(reason);
  });

  test.each(['osforge_events', '_total', 'osforge__total', 'osforge_events_Total'])(
    'a counter %j is refused',
    (name) => {
      expect(() => createRegistry().counter({ name, help })).toThrow(InvalidMetricNameError);
    },
  );

  test('the error has the name, and does not pass with time', () => {
    let caught: unknown;
    try {
      createRegistry().gauge({ name: 'A', help });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: 'PERF_INVALID_METRIC_NAME',
      metric: 'A',
      name: 'InvalidMetricNameError',
    });
    expect(isTransientMetricsError(caught)).toBe(false);
  });

  test('the unit is read off the name', async () => {
    const registry = createRegistry();
    registry.counter({ name: 'osforge_flushed_bytes_total', help });
    registry.gauge({ name: 'osforge_queue_length', help });
    registry.histogram({ name: 'osforge_wait_seconds', help });
    const units = new Map((await registry.collect()).map(({ name, unit }) => [name, unit]));
    expect(units.get('osforge_flushed_bytes_total')).toBe('bytes');
    expect(units.get('osforge_queue_length')).toBeUndefined();
    expect(units.get('osforge_wait_seconds')).toBe('seconds');
  });
});

test('a word that an object has by birth is no unit', () => {
  createRegistry().gauge({ name: 'osforge_constructor_calls', help });
});

test.each(['', '1a', 'a-b', 'Phase', '__name__', '__x', 'le', 'quantile', 'ä'])(
  'a label %j is refused',
  (label) => {
    expect(() => createRegistry().gauge({ name: 'osforge_queue', help, labels: [label] })).toThrow(
      InvalidLabelNameError,
    );
  },
);

test('a label that occurs twice is refused', () => {
  expect(() => createRegistry().gauge({ name: 'osforge_queue', help, labels: ['a', 'b', 'a'] })).toThrow(
    'occurs twice',
  );
});

describe('a name that is taken', () => {
  test('the same definition gives the same metric', () => {
    const registry = createRegistry();
    const first = registry.counter({ name: 'osforge_events_total', help, labels: ['phase'] });
    const second = registry.counter({ name: 'osforge_events_total', help, labels: ['phase'] });
    first.labels({ phase: 'disk' }).inc(2);
    expect(second.labels({ phase: 'disk' }).value).toBe(2);
    const histogram = { name: 'osforge_wait_seconds', help, bounds: [1, 2] };
    expect(registry.histogram(histogram)).toBe(registry.histogram({ ...histogram }));
  });

  test('another type, other labels, bounds or help are refused', () => {
    const registry = createRegistry();
    registry.gauge({ name: 'osforge_queue', help, labels: ['phase'] });
    registry.histogram({ name: 'osforge_wait_seconds', help, bounds: [1] });
    expect(() => registry.gauge({ name: 'osforge_queue', help })).toThrow(DuplicateMetricError);
    expect(() => registry.gauge({ name: 'osforge_queue', help, labels: ['kind'] })).toThrow(
      DuplicateMetricError,
    );
    expect(() => registry.gauge({ name: 'osforge_queue', help: 'Other.', labels: ['phase'] })).toThrow(
      DuplicateMetricError,
    );
    expect(() => registry.gauge({ name: 'osforge_wait_seconds', help })).toThrow(DuplicateMetricError);
    expect(() => registry.histogram({ name: 'osforge_wait_seconds', help, bounds: [2] })).toThrow(
      DuplicateMetricError,
    );
  });

  test('the names a counter takes in either format', () => {
    const registry = createRegistry();
    registry.counter({ name: 'osforge_events_total', help });
    expect(() => registry.gauge({ name: 'osforge_events', help })).toThrow(
      'osforge_events_total has the name',
    );
  });

  test('a removed metric frees all its names', () => {
    const registry = createRegistry();
    registry.counter({ name: 'osforge_events_total', help });
    expect(registry.remove('osforge_events_total')).toBe(true);
    expect(registry.remove('osforge_events_total')).toBe(false);
    registry.gauge({ name: 'osforge_events', help });
  });
});

test.each([
  ['bounds', { bounds: [2, 1] }],
  ['bounds', { bounds: [1, 1] }],
  ['bounds', { bounds: [0] }],
  ['bounds', { bounds: [Number.NaN] }],
  ['bounds', { bounds: [Infinity] }],
  ['bounds', { bounds: Array.from({ length: 251 }, (_, n) => n + 1) }],
  ['lowest', { lowest: 0 }],
  ['highest', { highest: 1e-12 }],
  ['maxSeries', { labels: ['a'], maxSeries: 0 }],
])('the option %s of a histogram as %j is refused', (option, options) => {
  const refused = (): unknown =>
    createRegistry().histogram({ name: 'osforge_wait_seconds', help, ...options });
  expect(refused).toThrow(InvalidMetricOptionError);
  expect(refused).toThrow(option);
});

test('only seconds have bounds of their own', () => {
  expect(() => createRegistry().histogram({ name: 'osforge_image_bytes', help })).toThrow('alert limits');
});
