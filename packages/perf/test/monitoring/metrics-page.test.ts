import path from 'node:path';
import { createRegistry, formatMetrics } from '@osforge/perf';
import { catalog } from '@osforge/perf/catalog';
import { expect, test } from 'vitest';
import { define, liveFamilies } from './live-families.ts';
import { metricsPage } from './metrics-page.ts';
import { repository } from './places.ts';
import { expectWritten } from './written.ts';

test('docs/metrics.md describes every metric there can be', async () => {
  const families = await liveFamilies();
  const page = metricsPage(families);
  for (const name of families.keys()) expect(page).toContain(`\`${name}\``);
  await expectWritten(path.join(repository, 'docs/metrics.md'), page);
});

test('the catalogue has every name once, and a registry takes all of it', async () => {
  const metrics = catalog.flatMap((area) => area.metrics);
  const registry = createRegistry();
  for (const metric of metrics) define(registry, metric);
  const families = await registry.collect();
  for (const { name, type, labels } of metrics) {
    expect(families.find((family) => family.name === name)).toMatchObject({ type, labelNames: [...labels] });
  }
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  expect(formatMetrics(families, 'openmetrics')).toContain('# EOF');
});
