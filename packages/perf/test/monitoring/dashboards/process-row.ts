import { alertLimits, processMetrics } from '@osforge/perf/catalog';
import type { Panel } from './panel.ts';

/** What every long-lived process shows of itself. The names of the runtime metrics are those of all Node programs. */
export function processRow(of: string): readonly Panel[] {
  return [
    {
      title: 'Memory',
      description: 'In RAM, and the heap that is left after collections.',
      type: 'timeseries',
      unit: 'bytes',
      queries: [
        { expr: `process_resident_memory_bytes{${of}}`, legend: '{{instance}} in RAM' },
        {
          expr: `nodejs_heap_size_used_after_gc_bytes{${of}}`,
          legend: '{{instance}} heap after collections',
        },
      ],
      width: 8,
    },
    {
      title: 'Memory growth an hour',
      description: 'Slope of the heap after collections over six hours; the line is the limit of the alert.',
      type: 'timeseries',
      unit: 'bytes',
      queries: [
        { expr: `deriv(osforge:heap_after_gc_bytes:min1h{${of}}[6h]) * 3600`, legend: '{{instance}}' },
      ],
      limit: alertLimits.memoryGrowthBytesPerHour,
      width: 8,
    },
    {
      title: 'Last shutdown',
      description: 'How long each component took to stop; red above the limit of the alert.',
      type: 'bargauge',
      unit: 's',
      queries: [
        { expr: `${processMetrics.shutdownDuration.name}{${of}}`, legend: '{{instance}} {{component}}' },
      ],
      limit: alertLimits.shutdownSeconds,
      width: 8,
    },
  ];
}
