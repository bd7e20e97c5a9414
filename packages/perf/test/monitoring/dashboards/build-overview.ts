import { alertLimits, buildMetrics } from '@osforge/perf/catalog';
import type { Dashboard } from './dashboard.ts';

const of = 'build_id=~"$build_id"';
const { checkpointWriteSeconds } = alertLimits;
const m = buildMetrics;

export const buildOverview: Dashboard = {
  uid: 'osforge-build-overview',
  title: 'osforge: build overview',
  description: 'How builds end, where their time goes, and what they wait for.',
  refresh: '30s',
  from: 'now-24h',
  variables: [{ name: 'build_id', label: 'Build', metric: m.outcome.name }],
  rows: [
    [
      {
        title: 'Outcome',
        description: 'How each build stands: the outcome whose value is 1.',
        type: 'state-timeline',
        unit: 'short',
        queries: [{ expr: `${m.outcome.name}{${of}} == 1`, legend: '{{build_id}} {{outcome}}' }],
        width: 16,
        height: 7,
      },
      {
        title: 'Progress',
        description: 'Part of the work that is done.',
        type: 'bargauge',
        unit: 'percentunit',
        queries: [{ expr: `${m.progress.name}{${of}}`, legend: '{{build_id}}' }],
        width: 4,
        height: 7,
      },
      {
        title: 'Duration of the last run',
        description: 'From its first event to its last one.',
        type: 'stat',
        unit: 's',
        queries: [{ expr: `${m.duration.name}{${of}}`, legend: '{{build_id}}' }],
        width: 4,
        height: 7,
      },
    ],
    [
      {
        title: 'Phases of the last run',
        description: 'Time of each phase, its retries included. What was reused or skipped has none.',
        type: 'bargauge',
        unit: 's',
        queries: [
          {
            expr: `sum by (build_id, phase) (${m.phaseDuration.name}_sum{${of}})`,
            legend: '{{build_id}} {{phase}}',
          },
        ],
        width: 12,
        height: 10,
      },
      {
        title: 'Phases over time',
        description: 'The same from run to run.',
        type: 'timeseries',
        unit: 's',
        queries: [
          {
            expr: `sum by (build_id, phase) (${m.phaseDuration.name}_sum{${of}, outcome="completed"})`,
            legend: '{{build_id}} {{phase}}',
          },
        ],
        width: 12,
        height: 10,
      },
    ],
    [
      {
        title: 'Waits for the build machine',
        description: 'Mean time of each kind of wait, by how it ended.',
        type: 'timeseries',
        unit: 's',
        queries: [
          {
            expr: `sum by (wait, outcome) (${m.vmWaitDuration.name}_sum{${of}}) / sum by (wait, outcome) (${m.vmWaitDuration.name}_count{${of}})`,
            legend: '{{wait}} {{outcome}}',
          },
        ],
        width: 8,
      },
      {
        title: 'Writes of the record',
        description: 'The 95th percentile of all writes of the run; the line is the limit of the alert.',
        type: 'timeseries',
        unit: 's',
        queries: [
          {
            expr: `histogram_quantile(0.95, sum by (build_id, le) (${m.checkpointWriteDuration.name}_bucket{${of}}))`,
            legend: '{{build_id}} p95',
          },
        ],
        limit: checkpointWriteSeconds,
        width: 8,
      },
      {
        title: 'Flushed',
        description: 'Size of the artifacts that were made durable, by phase.',
        type: 'timeseries',
        unit: 'bytes',
        queries: [{ expr: `sum by (phase) (${m.flushedBytes.name}{${of}})`, legend: '{{phase}}' }],
        width: 8,
      },
    ],
    [
      {
        title: 'Events',
        description: 'Events a second by type; only of builds that are scraped while they run.',
        type: 'timeseries',
        unit: 'ops',
        queries: [
          { expr: `sum by (type) (rate(${m.events.name}{${of}}[$__rate_interval]))`, legend: '{{type}}' },
        ],
        width: 8,
      },
      {
        title: 'Flush of the images',
        description: 'Mean time to flush a converted image, by format.',
        type: 'timeseries',
        unit: 's',
        queries: [
          {
            expr: `sum by (format) (${m.imageFlushDuration.name}_sum{${of}}) / sum by (format) (${m.imageFlushDuration.name}_count{${of}})`,
            legend: '{{format}}',
          },
        ],
        width: 8,
      },
      {
        title: 'What went wrong',
        description: 'Retries, lost events, refused captures, and machines that did not end well.',
        type: 'timeseries',
        unit: 'short',
        queries: [
          { expr: `sum by (phase) (${m.retries.name}{${of}})`, legend: 'retry {{phase}}' },
          { expr: `sum by (place) (${m.eventsDropped.name}{${of}})`, legend: 'events lost: {{place}}' },
          {
            expr: `sum by (code) (${m.captureVerifyFailures.name}{${of}})`,
            legend: 'capture refused: {{code}}',
          },
          {
            expr: `sum by (verdict) (${m.vmVerdicts.name}{${of}, verdict!="clean"})`,
            legend: 'machine: {{verdict}}',
          },
        ],
        width: 8,
      },
    ],
  ],
};
