import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { RuntimePart, RuntimeScope } from './runtime-part.ts';

const kinds = new Map<unknown, string>([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** Pauses by kind, and the heap that was in use after the last full collection. */
export function garbageCollectionPart(scope: RuntimeScope): RuntimePart {
  const pauses = scope.histograms({
    name: 'nodejs_gc_duration_seconds',
    help: 'Pauses for garbage collection by kind: major, minor, incremental or weakcb.',
    labels: ['kind'],
    bounds: [0.001, 0.01, 0.1, 1, 2, 5],
  });
  // Without labels, but bound late: 0 before the first collection would be a lie.
  const usedAfter = scope.gauges({
    name: 'nodejs_heap_size_used_after_gc_bytes',
    help: 'Heap in use just after the last major collection; not there before the first.',
    labels: [],
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = kinds.get(gcKindOf(entry)) ?? 'other';
      pauses.labels({ kind }).record(entry.duration / 1000);
      // The observer is told a moment later, so that what was allocated since then is in the figure.
      if (kind === 'major') usedAfter.labels({}).set(getHeapStatistics().used_heap_size);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    stop() {
      observer.disconnect();
    },
  };
}

function gcKindOf(entry: object): unknown {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined;
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
}
