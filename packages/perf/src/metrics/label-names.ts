import { InvalidLabelNameError } from './errors.ts';

/**
 * @param metric name of the metric, for the message
 * @throws InvalidLabelNameError for a name that breaks the format, begins with `__`, is `le` or `quantile`, or
 * occurs twice
 */
export function checkLabelNames(metric: string, labels: readonly string[]): void {
  const seen = new Set<string>();
  for (const label of labels) {
    const reason = reasonAgainst(label, seen);
    if (reason !== undefined) throw new InvalidLabelNameError(metric, label, reason);
    seen.add(label);
  }
}

function reasonAgainst(label: string, seen: ReadonlySet<string>): string | undefined {
  if (!/^[a-z_][a-z0-9_]*$/.test(label))
    return 'use lower-case letters, digits and _, and begin with a letter.';
  if (label.startsWith('__')) return 'names that begin with __ are reserved for Prometheus.';
  if (label === 'le' || label === 'quantile') return 'it is reserved for buckets and quantiles.';
  if (seen.has(label)) return 'it occurs twice.';
  return undefined;
}
