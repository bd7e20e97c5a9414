import { MetricsTimeoutError } from './errors.ts';
import { waitUntil } from './wait-until.ts';

/** Reads something into metrics just before they are scraped. The signal aborts when its time is over. */
export type Collect = (context: { readonly signal: AbortSignal }) => void | Promise<void>;

/** Why a collector gave nothing: it threw, was late, or still runs from an earlier scrape. */
export type CollectorFailure = 'error' | 'timeout' | 'running';

interface Collector {
  readonly name: string;
  readonly collect: Collect;
  readonly timeoutMs: number;
  running: boolean;
}

/** Runs what is read lazily at a scrape. No failure comes out of it but through `onFailure`. */
export class Collectors {
  readonly #collectors = new Set<Collector>();
  readonly #onFailure: (collector: string, failure: CollectorFailure, error: unknown) => void;

  constructor(onFailure: (collector: string, failure: CollectorFailure, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** @returns takes it out again */
  add(name: string, collect: Collect, timeoutMs: number): () => void {
    const collector: Collector = { name, collect, timeoutMs, running: false };
    this.#collectors.add(collector);
    return () => {
      this.#collectors.delete(collector);
    };
  }

  /** Runs all of them at once, each with its own deadline. */
  async run(): Promise<void> {
    await Promise.all([...this.#collectors].map((each) => this.#runOne(each)));
  }

  async #runOne(collector: Collector): Promise<void> {
    if (collector.running) {
      // A collector that never ends would otherwise pile up, one run for each scrape.
      this.#onFailure(collector.name, 'running', undefined);
      return;
    }
    const controller = new AbortController();
    try {
      const done = collector.collect({ signal: controller.signal });
      if (done === undefined) return;
      collector.running = true;
      // A promise of another library, or something else in plain JavaScript, may have no `finally`.
      const ended = Promise.resolve(done).finally(() => {
        collector.running = false;
      });
      await waitUntil(`Collector ${collector.name}`, ended, { timeoutMs: collector.timeoutMs });
    } catch (error) {
      const failure = error instanceof MetricsTimeoutError ? 'timeout' : 'error';
      if (failure === 'timeout') controller.abort(error);
      this.#onFailure(collector.name, failure, error);
    }
  }
}
