import type { Gauge, Registry } from '@osforge/perf';
import { buildMetrics } from '@osforge/perf/catalog';

const outcomes = ['running', 'completed', 'unchanged', 'failed', 'cancelled'] as const;

/** How a build stands. */
export type BuildOutcome = (typeof outcomes)[number];

/** One of the outcomes is 1 and all others are 0; all are 0 before the build starts. */
export function buildOutcome(registry: Registry, buildId: string): (outcome: BuildOutcome) => void {
  const metric = registry.gauge(buildMetrics.outcome);
  const gauges = new Map<BuildOutcome, Gauge>(
    outcomes.map((outcome) => [outcome, metric.labels({ build_id: buildId, outcome })]),
  );
  return (outcome) => {
    for (const [name, gauge] of gauges) gauge.set(name === outcome ? 1 : 0);
  };
}
