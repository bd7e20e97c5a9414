import type { HistogramOptions } from './definition.ts';
import { bitsOfDigits } from './double-bins.ts';
import { InvalidMetricOptionError } from './errors.ts';
import type { HistogramShape } from './histogram.ts';

/** Those of the Prometheus client libraries. */
const secondsBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The mark of a bound beside a bin is a byte. */
const MAX_BOUNDS = 250;

/** @throws InvalidMetricOptionError */
export function histogramShape(
  metric: string,
  unit: string | undefined,
  options: HistogramOptions,
): HistogramShape {
  const { lowest = 1e-9, highest = 1e15, significantDigits = 2 } = options;
  const refuse = (option: string, reason: string): never => {
    throw new InvalidMetricOptionError(metric, option, reason);
  };
  // Plain JavaScript may pass anything.
  if (![1, 2, 3].includes(significantDigits)) refuse('significantDigits', 'give 1, 2 or 3.');
  if (!(lowest >= Number.MIN_VALUE * 2 ** 52 && lowest < Infinity))
    refuse('lowest', 'give a normal positive number.');
  if (!(highest > lowest && highest < Infinity)) refuse('highest', 'give a finite number above `lowest`.');
  const bounds = options.bounds ?? (unit === 'seconds' ? secondsBounds : undefined);
  if (bounds === undefined)
    return refuse('bounds', 'only seconds have default bounds; give the alert limits.');
  if (bounds.length > MAX_BOUNDS) refuse('bounds', `there are ${bounds.length}, more than ${MAX_BOUNDS}.`);
  bounds.forEach((bound, index) => {
    if (!(bound >= lowest && bound < highest)) {
      refuse('bounds', `${bound} is not from \`lowest\` (${lowest}) to below \`highest\` (${highest}).`);
    }
    if (index > 0 && bound <= (bounds[index - 1] ?? 0))
      refuse('bounds', `${bound} is not above the one before it.`);
  });
  return { bounds: [...bounds], bits: bitsOfDigits(significantDigits), lowest, highest };
}
