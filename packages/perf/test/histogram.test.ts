import { expect, test } from 'vitest';

import { createRegistry, type HistogramOptions, type Histogram } from '@osforge/perf';

/** The same numbers on every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const next = random(3);
/** Latencies as they are: log-normal around 20 ms, with a tail. Seconds. */
const latencies = Array.from({ length: 20_000 }, () => {
  const normal = Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  return 0.02 * Math.exp(0.6 * normal);
});
const sortedLatencies = latencies.toSorted((a, b) => a - b);

function recorded(values: readonly number[], options: HistogramOptions = {}): Histogram {
  const histogram = createRegistry().histogram({
    name: 'osforge_wait_seconds',
    help: 'For the test.',
    ...options,
  });
  for (const value of values) histogram.record(value);
  return histogram;
}

/** Nearest rank. */
function truePercentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

async function bucketsOf(values: readonly number[], bounds: readonly number[]): Promise<readonly number[]> {
  const registry = createRegistry();
  const histogram = registry.histogram({ name: 'osforge_wait_seconds', help: 'For the test.', bounds });
  for (const value of values) histogram.record(value);
  const family = (await registry.collect()).find(({ name }) => name === 'osforge_wait_seconds');
  if (family?.type !== 'histogram') throw new Error('no histogram was collected');
  return family.series[0]?.bucketCounts ?? [];
}

/** As Prometheus' histogram_quantile: linear within the bucket that holds the rank. */
function bucketQuantile(
  quantile: number,
  bounds: readonly number[],
  counts: readonly number[],
  count: number,
): number {
  const rank = quantile * count;
  const at = counts.findIndex((each) => each >= rank);
  const [upper = Number.NaN, lower = 0] = [bounds[at], bounds[at - 1]];
  const [to = Number.NaN, from = 0] = [counts[at], counts[at - 1]];
  return lower + ((upper - lower) * (rank - from)) / (to - from);
}

test.each([
  [1, 0.1],
  [2, 0.01],
  [3, 0.001],
] as const)(
  '%i significant digits: every percentile is nearer than %f of the true one',
  (significantDigits, error) => {
    const histogram = recorded(latencies, { significantDigits });
    for (let percent = 0; percent <= 100; percent += 0.5) {
      const expected = truePercentile(sortedLatencies, percent);
      const got = histogram.percentile(percent) ?? Number.NaN;
      expect(Math.abs(got - expected) / expected).toBeLessThan(error);
    }
  },
);

test('p50, p95 and p99 are off by less than 1 %, the smallest and largest are exact', () => {
  const { count, sum, min, max, p50 = 0, p95 = 0, p99 = 0 } = recorded(latencies).snapshot();
  expect(count).toBe(latencies.length);
  expect(sum).toBeCloseTo(latencies.reduce((total, value) => total + value, 0));
  expect(min).toBe(Math.min(...latencies));
  expect(max).toBe(Math.max(...latencies));
  for (const [percent, got] of [
    [50, p50],
    [95, p95],
    [99, p99],
  ] as const) {
    const expected = truePercentile(sortedLatencies, percent);
    expect(Math.abs(got - expected) / expected).toBeLessThan(0.01);
  }
});

/**
 * Prometheus knows of a bucket only how many values are in it, so that histogram_quantile takes them as evenly
 * spread between its bounds. They are not: here most of those in the bucket from 50 to 100 ms lie near 50 ms, and
 * the p95 that Prometheus computes comes out too high. The counts themselves are exact, so that the part of the
 * values beyond an alert limit is exact when the limit is a bound.
 */
test('the p95 that Prometheus reckons from the buckets is off by more, and the part beyond a bound is exact', async () => {
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.08, 0.25, 0.5];
  const counts = await bucketsOf(latencies, bounds);
  const expected = truePercentile(sortedLatencies, 97);
  const fromBins = recorded(latencies).percentile(97) ?? 0;
  const fromBuckets = bucketQuantile(0.97, bounds, counts, latencies.length);
  expect(Math.abs(fromBins - expected) / expected).toBeLessThan(0.01);
  expect(Math.abs(fromBuckets - expected) / expected).toBeGreaterThan(0.03);
  expect(counts[4]).toBe(latencies.filter((value) => value <= 0.08).length);
});

test('`le` is exact at each bound: at it, a hair below and a hair above', async () => {
  const bounds = [0.005, 0.01, 0.0100001, 0.0100002, 0.025, 0.08, 0.1, 0.2, 1, 3, 1000];
  const hair = 2 ** -52;
  const values = bounds.flatMap((bound) => [bound * (1 - hair), bound, bound * (1 + hair)]);
  const expected = bounds.map((bound) => values.filter((value) => value <= bound).length);
  expect(await bucketsOf(values, bounds)).toEqual(expected);
  expect(await bucketsOf([...values].reverse(), bounds)).toEqual(expected);
});

test('`le` is exact for random values and random bounds', async () => {
  const draw = random(11);
  for (let round = 0; round < 100; round += 1) {
    const scale = 10 ** (draw() * 12 - 6);
    const bounds = [...new Set(Array.from({ length: 20 }, () => scale * draw() + 1e-9))].sort(
      (a, b) => a - b,
    );
    // Half of them are bounds, or lie in the bin of one.
    const values = Array.from({ length: 300 }, () => {
      const near = bounds[Math.floor(draw() * bounds.length)] ?? 0;
      return draw() < 0.5 ? near * (draw() < 0.3 ? 1 : 0.999 + 0.002 * draw()) : scale * draw() * 1.2;
    });
    const expected = bounds.map((bound) => values.filter((value) => value <= bound).length);
    expect(await bucketsOf(values, bounds)).toEqual(expected);
  }
});

test('zero, what is below the range and what is above it are counted, in buckets and percentiles', async () => {
  const values = [0, 1e-12, 0.5, 1e15, 1e300, Number.MAX_VALUE];
  expect(await bucketsOf(values, [0.4, 1])).toEqual([2, 3]);
  const histogram = recorded(values);
  expect(histogram.snapshot()).toMatchObject({ count: 6, min: 0, max: Number.MAX_VALUE });
  expect(histogram.percentile(33)).toBeLessThan(1e-9);
  expect(histogram.percentile(50)).toBeCloseTo(0.5, 2);
  expect(histogram.percentile(-5)).toBe(0);
  expect(histogram.percentile(500)).toBe(Number.MAX_VALUE);
});

test('the rank of a percentile is not off by the rounding of a fraction', () => {
  const histogram = recorded(Array.from({ length: 100 }, (_, index) => index + 1));
  for (let percent = 1; percent <= 100; percent += 1)
    expect(Math.floor(histogram.percentile(percent) ?? 0)).toBe(percent);
});

test('it grows to each octave that occurs, in any order, without losing a count', () => {
  const draw = random(5);
  const values = Array.from({ length: 3000 }, () => 10 ** (draw() * 22 - 8));
  const sorted = values.toSorted((a, b) => a - b);
  const histogram = recorded(values);
  expect(histogram.snapshot().count).toBe(3000);
  for (const percent of [1, 25, 50, 75, 99]) {
    const expected = truePercentile(sorted, percent);
    expect(Math.abs((histogram.percentile(percent) ?? 0) - expected) / expected).toBeLessThan(0.01);
  }
});
