import { createMetricsServer, type MetricsServer, type MetricSource } from '@osforge/perf';
import { UsageError } from '../errors/usage-error.ts';

/**
 * Serves metrics by HTTP until it is closed.
 * @throws UsageError where nothing can listen there
 */
export async function openMetricsPort(
  source: MetricSource,
  port: number,
  host: string | undefined,
): Promise<MetricsServer> {
  return createMetricsServer(source, { port, host }).catch((error: unknown) => {
    throw new UsageError(`--metrics-port: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
}
