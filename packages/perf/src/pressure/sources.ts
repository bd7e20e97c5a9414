import { constants, PerformanceObserver } from 'node:perf_hooks';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

import { findCgroup, readCgroupMemory, watchCgroupEvents } from './cgroup.ts';

/** Used and allowed. */
export interface MemoryUse {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** Where readings and their occasions come from; plain functions, so that a fake is a plain object. */
export interface PressureSources {
  /** The heap now; asked right after a major collection. */
  readonly heap: () => MemoryUse;
  /** The resident memory of this process, against that of the machine. */
  readonly rss: () => MemoryUse;
  /** The control group; undefined without a limit. */
  readonly cgroup: () => MemoryUse | undefined;
  /** Calls back after collections; `major` after one of the whole heap. Returns the function that ends it. */
  readonly onCollection: (callback: (major: boolean) => void) => () => void;
  /** Calls back when the kernel says that the control group is short. Returns the function that ends it. */
  readonly onCgroupEvent: (callback: () => void) => () => void;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
}

/** The real ones. */
export function defaultPressureSources(): PressureSources {
  const place = findCgroup();
  return {
    heap: () => {
      const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
      return { usedBytes, limitBytes };
    },
    rss: () => ({ usedBytes: process.memoryUsage.rss(), limitBytes: totalmem() }),
    cgroup: () => (place === undefined ? undefined : readCgroupMemory(place)),
    onCollection,
    onCgroupEvent: (callback) => (place === undefined ? () => {} : watchCgroupEvents(place, callback)),
    now: () => performance.now(),
  };
}

function onCollection(callback: (major: boolean) => void): () => void {
  const observer = new PerformanceObserver((list) => {
    const entries = list.getEntries();
    // Node's types do not know `detail`; for gc entries it documents { kind, flags }.
    const kinds = entries.map((entry) => (entry as { detail?: { kind?: number } }).detail?.kind);
    callback(kinds.includes(constants.NODE_PERFORMANCE_GC_MAJOR));
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    observer.disconnect();
  };
}
