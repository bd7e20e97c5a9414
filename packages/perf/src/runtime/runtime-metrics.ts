import { RuntimeMetricsOwnedError } from '../metrics/errors.ts';
import type { Registry } from '../metrics/registry.ts';
import { diskPart } from './disk.ts';
import { eventLoopPart } from './event-loop.ts';
import { garbageCollectionPart } from './garbage-collection.ts';
import { heapPart } from './heap.ts';
import { processPart } from './process-figures.ts';
import { RuntimeScope, type RuntimePart } from './runtime-part.ts';

export interface RuntimeMetricsOptions {
  /** Who starts them, for the message when somebody else has. */
  readonly owner: string;
  /** Folders whose free disk space is shown; default none. */
  readonly folders?: readonly string[] | undefined;
  /** Where Linux tells of this process; default `/proc/self`. */
  readonly procFolder?: string | undefined;
}

/** The runtime metrics of one registry. */
export interface RuntimeMetrics {
  /**
   * Puts the metrics into the registry and begins to observe; nothing of it keeps the process alive. A second
   * call does nothing.
   *
   * @throws RuntimeMetricsOwnedError when another owner has started them on the same registry, DuplicateMetricError
   * when one of the names is taken
   */
  start(): void;
  /** Ends the observation and takes the metrics out of the registry. A second call does nothing. */
  stop(): void;
}

const owners = new WeakMap<Registry, { readonly owner: string }>();

/**
 * Event loop, heap, garbage collection, processor time, memory, open files and disk space of this process, under
 * the names of prom-client's default metrics. Nothing happens before `start`.
 */
export function createRuntimeMetrics(registry: Registry, options: RuntimeMetricsOptions): RuntimeMetrics {
  const { owner, folders = [], procFolder = '/proc/self' } = options;
  const self = { owner };
  const scope = new RuntimeScope(registry);
  let stopParts: (() => void)[] = [];
  const stop = (): void => {
    for (const stopPart of stopParts.reverse()) stopPart();
    stopParts = [];
    scope.removeAll();
    if (owners.get(registry) === self) owners.delete(registry);
  };
  return {
    start() {
      const holder = owners.get(registry);
      if (holder === self) return;
      if (holder !== undefined) throw new RuntimeMetricsOwnedError(owner, holder.owner);
      owners.set(registry, self);
      const add = (name: string, part: RuntimePart): void => {
        const { collect, stop: stopPart } = part;
        const takeOut = collect === undefined ? undefined : registry.collector(name, collect);
        stopParts.push(() => {
          takeOut?.();
          stopPart?.();
        });
      };
      try {
        add('event loop', eventLoopPart(scope));
        add('heap', heapPart(scope));
        add('garbage collection', garbageCollectionPart(scope));
        add('process', processPart(scope, procFolder));
        if (folders.length > 0) add('disk', diskPart(scope, folders));
      } catch (error) {
        stop();
        throw error;
      }
    },
    stop,
  };
}
