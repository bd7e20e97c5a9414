import type { MetricFamily } from './family.ts';
import type { WaitOptions } from './wait-until.ts';

/** What can be scraped: a registry, or several combined. */
export interface MetricSource {
  /**
   * Runs the collectors and takes down all series. Callers at the same time share one run. A collector that fails
   * is counted and left out; it never rejects this.
   *
   * @throws MetricsTimeoutError, MetricsCancelledError (the run goes on for whoever shares it)
   */
  collect(options?: WaitOptions): Promise<readonly MetricFamily[]>;
}
