import { formatMetrics } from '../exposition/format-metrics.ts';
import type { MetricsFormat } from '../exposition/format.ts';
import type { MetricSource } from '../metrics/source.ts';

/** A scrape in a format, shared by all who ask for that format while it runs. */
export class SharedScrape {
  readonly #source: MetricSource;
  readonly #timeoutMs: number;
  readonly #running = new Map<MetricsFormat, Promise<Buffer>>();

  constructor(source: MetricSource, timeoutMs: number) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws MetricsTimeoutError, and what a source of one's own throws */
  async read(format: MetricsFormat): Promise<Buffer> {
    const running = this.#running.get(format);
    if (running !== undefined) return running;
    const started = this.#scrape(format).finally(() => {
      this.#running.delete(format);
    });
    this.#running.set(format, started);
    return started;
  }

  async #scrape(format: MetricsFormat): Promise<Buffer> {
    return Buffer.from(formatMetrics(await this.#source.collect({ timeoutMs: this.#timeoutMs }), format));
  }
}
