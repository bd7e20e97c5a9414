import type { BucketSeries, HistogramFamily, MetricFamily } from '../metrics/family.ts';
import { familyName } from '../metrics/metric-name.ts';
import { escapeHelp } from './escape.ts';
import type { MetricsFormat } from './format.ts';
import { formatBound, formatValue } from './number.ts';

/**
 * The families as Prometheus text 0.0.4 or OpenMetrics 1.0, in the order given; a metric without series has its
 * description only.
 *
 * Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and the OpenMetrics 1.0 specification.
 */
export function formatMetrics(families: readonly MetricFamily[], format: MetricsFormat): string {
  const parts = families.map((family) => describe(family, format) + samplesOf(family));
  return parts.join('') + (format === 'openmetrics' ? '# EOF\n' : '');
}

function describe(family: MetricFamily, format: MetricsFormat): string {
  const openmetrics = format === 'openmetrics';
  const name = openmetrics ? familyName(family.name, family.type) : family.name;
  const unit = openmetrics && family.unit !== undefined ? `# UNIT ${name} ${family.unit}\n` : '';
  return `# HELP ${name} ${escapeHelp(family.help, format)}\n# TYPE ${name} ${family.type}\n${unit}`;
}

function samplesOf(family: MetricFamily): string {
  let text = '';
  if (family.type === 'histogram') {
    const bounds = family.bounds.map(formatBound);
    for (const series of family.series) text += bucketSamples(family, series, bounds);
    return text;
  }
  for (const { labelText, value } of family.series) {
    text += `${family.name}${braced(labelText)} ${formatValue(value)}\n`;
  }
  return text;
}

function bucketSamples({ name }: HistogramFamily, series: BucketSeries, bounds: readonly string[]): string {
  const { labelText, bucketCounts, count, sum } = series;
  const prefix = labelText === '' ? '' : `${labelText},`;
  let text = '';
  bounds.forEach((bound, index) => {
    text += `${name}_bucket{${prefix}le="${bound}"} ${formatValue(bucketCounts[index] ?? 0)}\n`;
  });
  text += `${name}_bucket{${prefix}le="+Inf"} ${formatValue(count)}\n`;
  const labels = braced(labelText);
  return `${text}${name}_sum${labels} ${formatValue(sum)}\n${name}_count${labels} ${formatValue(count)}\n`;
}

function braced(labelText: string): string {
  return labelText === '' ? '' : `{${labelText}}`;
}
