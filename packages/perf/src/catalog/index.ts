import { buildMetrics } from './build.ts';
import type { CatalogMetric } from './catalog-metric.ts';
import { ingestionMetrics } from './ingestion.ts';
import { pluginLoaderMetrics } from './plugin-loader.ts';
import { processMetrics } from './process.ts';
import { usbDaemonMetrics } from './usb-daemon.ts';

export { alertLimits } from './alert-limits.ts';
export type { CatalogMetric } from './catalog-metric.ts';
export { buildMetrics, ingestionMetrics, pluginLoaderMetrics, processMetrics, usbDaemonMetrics };

/** One program or part of it, with its metrics. */
export interface CatalogArea {
  readonly title: string;
  readonly metrics: readonly CatalogMetric[];
}

/** All metrics that osforge defines, by area; the runtime metrics of a process are not in it. */
export const catalog: readonly CatalogArea[] = [
  { title: 'Builds', metrics: Object.values(buildMetrics) },
  { title: 'USB daemon', metrics: Object.values(usbDaemonMetrics) },
  { title: 'Plugin loader', metrics: Object.values(pluginLoaderMetrics) },
  { title: 'Ingestion', metrics: Object.values(ingestionMetrics) },
  { title: 'Any long-lived process', metrics: Object.values(processMetrics) },
];
