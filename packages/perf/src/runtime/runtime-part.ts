import type { Counter } from '../metrics/counter.ts';
import type { LabelledDefinition } from '../metrics/definition.ts';
import type { Gauge } from '../metrics/gauge.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { Registry } from '../metrics/registry.ts';
import type { Labelled } from '../metrics/series-map.ts';

/** One subject of the runtime metrics, from its start to its stop. */
export interface RuntimePart {
  /** Reads the gauges; absent in a part that is told of what happens. */
  readonly collect?: () => void | Promise<void>;
  /** Ends what it observes with. */
  readonly stop?: () => void;
}

/** Registers metrics, and remembers which, to take out those and no others. */
export class RuntimeScope {
  readonly #registry: Registry;
  readonly #names: string[] = [];

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  counter(name: string, help: string): Counter {
    const counter = this.#registry.counter({ name, help });
    this.#names.push(name);
    return counter;
  }

  gauge(name: string, help: string): Gauge {
    const gauge = this.#registry.gauge({ name, help });
    this.#names.push(name);
    return gauge;
  }

  gauges<const L extends string>(definition: LabelledDefinition<L>): Labelled<L, Gauge> {
    const gauges = this.#registry.gauge(definition);
    this.#names.push(definition.name);
    return gauges;
  }

  histograms<const L extends string>(
    definition: LabelledDefinition<L> & { readonly bounds: readonly number[] },
  ): Labelled<L, Histogram> {
    const histograms = this.#registry.histogram(definition);
    this.#names.push(definition.name);
    return histograms;
  }

  removeAll(): void {
    for (const name of this.#names.splice(0)) this.#registry.remove(name);
  }
}
