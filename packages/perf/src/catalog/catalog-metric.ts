import type { HistogramOptions, LabelledDefinition } from '../metrics/definition.ts';
import type { MetricType } from '../metrics/family.ts';

/** A metric of the catalogue: what a registry takes to define it, and as what. */
export interface CatalogMetric extends LabelledDefinition<string>, HistogramOptions {
  readonly type: MetricType;
}
