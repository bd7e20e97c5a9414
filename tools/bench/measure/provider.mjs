/**
 * Runs the benches of vitest, in place of its own way of running one entry after the other: here the entries of a
 * group take turns, so that what slows the machine for a while slows all of them; functions of some nanoseconds are
 * called many times a sample; a peer that is not installed is left out and said; and a profile is taken when wanted.
 */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { median, medianDeviation, meanAndVariance, quantile, thinned } from '../statistics/summary.mjs';
import { profiled } from '../profile/profiled.mjs';
import { missingProgram, operationsOf, roleOf } from './role.mjs';
import { Sampler } from './sampler.mjs';

/** How often the entries of a group take turns. */
const TURNS = 4;
/** Enough for the quantiles that are reported. */
const KEPT_SAMPLES = 400;

/**
 * @typedef {import('vitest').BenchmarkGroup} BenchmarkGroup
 * @typedef {import('../raw.mjs').RawGroup} RawGroup
 */

/** @type {import('vitest').BenchmarkProvider} */
const provider = { run };
export default provider;

/**
 * @param {BenchmarkGroup} group
 * @returns {Promise<import('vitest').BenchResult[]>}
 */
async function run({ test, registrations, options = {} }) {
  const profile = process.env['OSFORGE_BENCH_PROFILE'];
  const round = Number(process.env['OSFORGE_BENCH_ROUND'] ?? 0);
  const samplerOptions = {
    timeMs: options.time ?? 400,
    iterations: options.iterations ?? 3,
    warmupMs: options.warmup === false ? 0 : (options.warmupTime ?? 100),
    warmupIterations: options.warmup === false ? 0 : (options.warmupIterations ?? 1),
  };
  if (profile !== undefined && options.time !== 0) samplerOptions.timeMs = 2000;

  /** @type {{ fullName: string, sampler: Sampler }[]} */
  const entries = [];
  /** @type {{ name: string, reason: string }[]} */
  const missing = [];
  for (const { name, fn, fnOpts } of registrations) {
    // A profile is of our code; the peers would only hide it.
    if (profile !== undefined && roleOf(name).role !== 'ours') continue;
    const sampler = new Sampler({ fn, hooks: fnOpts ?? {} }, samplerOptions);
    try {
      await sampler.warmUp();
      entries.push({ fullName: name, sampler });
    } catch (error) {
      const reason = roleOf(name).role === 'ours' ? undefined : missingProgram(error);
      if (reason === undefined) throw error;
      missing.push({ name: roleOf(name).name, reason });
    }
  }

  const sample = async () => {
    for (let turn = 0; turn < TURNS; turn += 1) {
      for (let place = 0; place < entries.length; place += 1) {
        if (test.context.signal.aborted) throw new Error('The bench was stopped.');
        await entries[(place + turn + round) % entries.length]?.sampler.sampleUntil((turn + 1) / TURNS);
      }
    }
  };
  await (profile === undefined ? sample() : profiled(profile, operationsOf(test.fullTestName).name, sample));
  for (const { sampler } of entries) await sampler.close();

  const rawFile = process.env['OSFORGE_BENCH_RAW'];
  if (rawFile !== undefined && profile === undefined) {
    const { name, operations } = operationsOf(test.fullTestName);
    /** @type {RawGroup} */
    const raw = {
      kind: 'group',
      file: path.relative(process.cwd(), test.file.filepath),
      name,
      entries: entries.map(({ fullName, sampler: { samples } }) => ({
        ...roleOf(fullName),
        ...(operations === undefined
          ? { unit: 'ms', values: thinned(samples, KEPT_SAMPLES) }
          : {
              unit: 'ns/op',
              values: thinned(samples, KEPT_SAMPLES).map((ms) => (ms * 1e6) / operations),
            }),
        samples: samples.length,
      })),
      missing,
    };
    appendFileSync(rawFile, `${JSON.stringify(raw)}\n`);
  }
  return entries.map(({ fullName, sampler }) => ({ name: fullName, ...resultOf(sampler.samples) }));
}

/**
 * What vitest prints its table from.
 *
 * @param {readonly number[]} samples milliseconds
 * @returns {Omit<import('vitest').BenchResult, 'name'>}
 */
function resultOf(samples) {
  const latency = statistics(samples);
  return {
    state: 'completed',
    runtime: 'node',
    runtimeVersion: process.version,
    timestampProviderName: 'performanceNow',
    latency,
    throughput: statistics(samples.map((ms) => 1000 / Math.max(ms, 1e-9))),
    period: latency.mean,
    totalTime: latency.mean * samples.length,
  };
}

/**
 * @param {readonly number[]} values
 * @returns {import('vitest').BenchResult['latency']}
 */
function statistics(values) {
  const { mean, variance } =
    values.length > 1 ? meanAndVariance(values) : { mean: values[0] ?? 0, variance: 0 };
  const sd = Math.sqrt(variance);
  const sem = sd / Math.sqrt(values.length);
  const moe = 1.96 * sem;
  return {
    aad: values.reduce((sum, value) => sum + Math.abs(value - mean), 0) / values.length,
    critical: 1.96,
    df: values.length - 1,
    mad: medianDeviation(values),
    max: quantile(values, 1),
    mean,
    min: quantile(values, 0),
    moe,
    p50: median(values),
    p75: quantile(values, 0.75),
    p99: quantile(values, 0.99),
    p995: quantile(values, 0.995),
    p999: quantile(values, 0.999),
    rme: (moe / mean) * 100,
    samples: undefined,
    samplesCount: values.length,
    sd,
    sem,
    variance,
  };
}
