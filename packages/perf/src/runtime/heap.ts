import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { RuntimePart, RuntimeScope } from './runtime-part.ts';

/** Sizes of V8's heap and of its spaces. */
export function heapPart(scope: RuntimeScope): RuntimePart {
  const total = scope.gauge('nodejs_heap_size_total_bytes', 'Heap that V8 has taken from the system.');
  const used = scope.gauge(
    'nodejs_heap_size_used_bytes',
    'Heap in use, with what the next collection will free.',
  );
  const limit = scope.gauge('nodejs_heap_size_limit_bytes', 'Heap at which V8 ends the process.');
  const external = scope.gauge(
    'nodejs_external_memory_bytes',
    'Memory outside of the heap that belongs to objects in it.',
  );
  const spaces = (['total', 'used', 'available'] as const).map((kind) => ({
    kind,
    gauges: scope.gauges({
      name: `nodejs_heap_space_size_${kind}_bytes`,
      help: `Size of a space of the heap: ${kind}.`,
      labels: ['space'],
    }),
  }));
  return {
    collect() {
      const heap = getHeapStatistics();
      total.set(heap.total_heap_size);
      used.set(heap.used_heap_size);
      limit.set(heap.heap_size_limit);
      external.set(heap.external_memory);
      for (const each of getHeapSpaceStatistics()) {
        const bytes = {
          total: each.space_size,
          used: each.space_used_size,
          available: each.space_available_size,
        };
        // V8 says `old_space`; prom-client and its dashboards say `old`.
        const space = each.space_name.replace(/_space$/, '');
        for (const { kind, gauges } of spaces) gauges.labels({ space }).set(bytes[kind]);
      }
    },
  };
}
