import { alertLimits, pluginLoaderMetrics } from '@osforge/perf/catalog';
import { percentiles, type Dashboard } from './dashboard.ts';
import { processRow } from './process-row.ts';

const of = 'instance=~"$instance"';
const m = pluginLoaderMetrics;

export const pluginLoader: Dashboard = {
  uid: 'osforge-plugin-loader',
  title: 'osforge: plugin loader',
  description: 'How fast plugins load, from which caches, on which workers.',
  refresh: '30s',
  from: 'now-24h',
  variables: [{ name: 'instance', label: 'Instance', metric: m.active.name }],
  rows: [
    [
      {
        title: 'Last load of each plugin',
        description: 'Red above the limit of the alert.',
        type: 'bargauge',
        unit: 's',
        queries: [{ expr: `${m.lastLoadDuration.name}{${of}}`, legend: '{{plugin}}' }],
        limit: alertLimits.pluginLoadSeconds,
        width: 8,
      },
      {
        title: 'Loads',
        description:
          'Percentiles of all loads since the processes began; the line is the limit of the alert.',
        type: 'timeseries',
        unit: 's',
        queries: [0.5, 0.95, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le) (${m.loadDuration.name}_bucket{${of}}))`,
          legend: `p${quantile * 100}`,
        })),
        limit: alertLimits.pluginLoadSeconds,
        width: 12,
      },
      {
        title: 'Plugins',
        description: 'Loaded and ready.',
        type: 'stat',
        unit: 'short',
        queries: [{ expr: `sum(${m.active.name}{${of}})`, legend: 'active' }],
        width: 4,
      },
    ],
    [
      {
        title: 'Cache of manifests',
        description: 'Part of the look-ups that were hits.',
        type: 'timeseries',
        unit: 'percentunit',
        queries: [
          {
            expr: `sum(rate(${m.cacheRequests.name}{${of}, result="hit"}[$__rate_interval])) / sum(rate(${m.cacheRequests.name}{${of}}[$__rate_interval]))`,
            legend: 'hits',
          },
        ],
        width: 6,
      },
      {
        title: 'Manifests',
        description: 'Time to read and check one that was not in the cache.',
        type: 'timeseries',
        unit: 's',
        queries: percentiles(m.manifestParseDuration.name, of, ''),
        width: 6,
      },
      {
        title: 'Workers',
        description: 'Workers of the pool by state, and how long new ones take (95th percentile, seconds).',
        type: 'timeseries',
        unit: 'short',
        queries: [
          { expr: `sum by (state) (${m.workers.name}{${of}})`, legend: '{{state}}' },
          ...percentiles(m.workerStartDuration.name, of, '')
            .slice(1, 2)
            .map(({ expr }) => ({ expr, legend: 'start, s' })),
        ],
        width: 6,
      },
      {
        title: 'Errors',
        description: 'In the last ten minutes, by code.',
        type: 'timeseries',
        unit: 'short',
        queries: [{ expr: `sum by (code) (increase(${m.errors.name}{${of}}[10m]))`, legend: '{{code}}' }],
        width: 6,
      },
    ],
    processRow(of),
  ],
};
