import type { MetricFamily } from '@osforge/perf';
import { catalog } from '@osforge/perf/catalog';

const head = `# Metrics

Every metric that osforge exports. This page is made of the catalogue ([packages/perf/src/catalog](../packages/perf/src/catalog)) and of what a running process shows; \`UPDATE_MONITORING=1 npx vitest run test/monitoring\` in packages/perf writes it, and a test fails where it is stale.

Names follow the conventions of Prometheus: base units (seconds, bytes), \`_total\` for counters. A histogram \`x\` is the series \`x_bucket\`, \`x_sum\` and \`x_count\`. Alert rules and dashboards for these metrics are in [monitoring/](../monitoring/README.md).

The areas "Builds" and "Any process" are recorded today: by \`osforge build-image --metrics-file\` and \`--metrics-port\`, which has the latter too. The others are what the USB daemon, the plugin loader and the ingestion record through.
`;

/** docs/metrics.md, as it has to be. */
export function metricsPage(families: ReadonlyMap<string, MetricFamily>): string {
  const known = new Set<string>();
  const areas = catalog.map(({ title, metrics }) => {
    for (const { name } of metrics) known.add(name);
    return section(
      title,
      metrics.flatMap(({ name }) => families.get(name) ?? []),
    );
  });
  const others = [...families.values()]
    .filter(({ name }) => !known.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const isOwn = ({ name }: MetricFamily): boolean => name.startsWith('osforge_metrics_');
  areas.push(
    section(
      'Any process',
      others.filter((family) => !isOwn(family)),
    ),
    section('The metrics themselves', others.filter(isOwn)),
  );
  return [head, ...areas].join('\n');
}

function section(title: string, families: readonly MetricFamily[]): string {
  return `## ${title}\n\n${families.map(line).join('')}`;
}

function line(family: MetricFamily): string {
  const { name, help, type, labelNames } = family;
  const labels =
    labelNames.length === 0 ? '' : `, by ${labelNames.map((label) => `\`${label}\``).join(', ')}`;
  const bounds = family.type === 'histogram' ? ` Bucket bounds: ${family.bounds.join(', ')}.` : '';
  return `- \`${name}\` (${type}${labels}): ${help}${bounds}\n`;
}
