import { ingestionMetrics } from '@osforge/perf/catalog';
import { percentiles, type Dashboard } from './dashboard.ts';
import { processRow } from './process-row.ts';

const of = 'instance=~"$instance"';
const m = ingestionMetrics;

export const ingestion: Dashboard = {
  uid: 'osforge-ingestion',
  title: 'osforge: ingestion',
  description: 'Transcripts into databases: how much, how fast, and what holds it up.',
  refresh: '10s',
  from: 'now-6h',
  variables: [{ name: 'instance', label: 'Instance', metric: m.bytes.name }],
  rows: [
    [
      {
        title: 'Read',
        description: 'Bytes of transcripts a second.',
        type: 'timeseries',
        unit: 'Bps',
        queries: [{ expr: `sum(rate(${m.bytes.name}{${of}}[$__rate_interval]))`, legend: 'read' }],
        width: 8,
      },
      {
        title: 'Rows',
        description: 'Rows a second by result.',
        type: 'timeseries',
        unit: 'ops',
        queries: [
          { expr: `sum by (result) (rate(${m.rows.name}{${of}}[$__rate_interval]))`, legend: '{{result}}' },
        ],
        width: 8,
      },
      {
        title: 'Queue',
        description: 'Part of the queue that is filled; at 1 readers are held up.',
        type: 'timeseries',
        unit: 'percentunit',
        queries: [
          { expr: `${m.queued.name}{${of}} / ${m.queueCapacity.name}{${of}}`, legend: '{{instance}}' },
        ],
        limit: 1,
        width: 8,
      },
    ],
    [
      {
        title: 'Batches',
        description: 'From the lock to the commit.',
        type: 'timeseries',
        unit: 's',
        queries: percentiles(m.batchDuration.name, of, ''),
        width: 8,
      },
      {
        title: 'Waits for a database',
        description: "Time that writers waited for a site's lock.",
        type: 'timeseries',
        unit: 's',
        queries: percentiles(m.lockWaitDuration.name, of, ''),
        width: 8,
      },
      {
        title: 'Unreadable parts',
        description: 'In the last ten minutes, by reason.',
        type: 'timeseries',
        unit: 'short',
        queries: [
          { expr: `sum by (reason) (increase(${m.parseErrors.name}{${of}}[10m]))`, legend: '{{reason}}' },
        ],
        width: 8,
      },
    ],
    processRow(of),
  ],
};
