import {
  combine,
  createRegistry,
  createRuntimeMetrics,
  type MetricFamily,
  type Registry,
} from '@osforge/perf';
import { catalog, type CatalogMetric } from '@osforge/perf/catalog';

/** Defines a metric of the catalogue, as whoever records it does. */
export function define(registry: Registry, metric: CatalogMetric): void {
  if (metric.type === 'counter') registry.counter(metric);
  else if (metric.type === 'gauge') registry.gauge(metric);
  else registry.histogram(metric);
}

/** All metrics there can be: those of the catalogue, of a process, and of the registry itself. */
export async function liveFamilies(): Promise<Map<string, MetricFamily>> {
  const registry = createRegistry();
  for (const { metrics } of catalog) for (const metric of metrics) define(registry, metric);
  const runtime = createRuntimeMetrics(registry, { owner: 'the test', folders: ['/'] });
  runtime.start();
  // A gauge that two sources have brings out the one metric that is there only when it counts something.
  const other = createRegistry();
  const twice = { name: 'osforge_test_twice', help: 'For the test.' };
  for (const each of [registry, other]) each.gauge(twice).set(1);
  try {
    const families = await combine(registry, other).collect();
    return new Map(families.filter(({ name }) => name !== twice.name).map((family) => [family.name, family]));
  } finally {
    runtime.stop();
  }
}
