import { alertLimits, usbDaemonMetrics } from '@osforge/perf/catalog';
import { percentiles, type Dashboard } from './dashboard.ts';
import { processRow } from './process-row.ts';

const of = 'instance=~"$instance"';
const m = usbDaemonMetrics;

export const usbDaemon: Dashboard = {
  uid: 'osforge-usb-daemon',
  title: 'osforge: USB daemon',
  description: 'How fast events of devices are published, and what the daemon costs.',
  refresh: '10s',
  from: 'now-6h',
  variables: [{ name: 'instance', label: 'Instance', metric: m.events.name }],
  rows: [
    [
      {
        title: 'Latency of events',
        description:
          'From the kernel to published; the line is the limit of the alert on the 95th percentile.',
        type: 'timeseries',
        unit: 's',
        queries: percentiles(m.eventLatency.name, of, ''),
        limit: alertLimits.usbEventLatencySeconds,
        width: 12,
      },
      {
        title: 'Publishing',
        description: '95th percentile of handing an event to each transport.',
        type: 'timeseries',
        unit: 's',
        queries: percentiles(m.publishDuration.name, of, 'transport').slice(1, 2),
        width: 6,
      },
      {
        title: 'Devices',
        description: 'Devices in the registry by state.',
        type: 'stat',
        unit: 'short',
        queries: [{ expr: `sum by (state) (${m.devices.name}{${of}})`, legend: '{{state}}' }],
        width: 6,
      },
    ],
    [
      {
        title: 'Events',
        description: 'Events a second by action.',
        type: 'timeseries',
        unit: 'ops',
        queries: [
          { expr: `sum by (action) (rate(${m.events.name}{${of}}[$__rate_interval]))`, legend: '{{action}}' },
        ],
        width: 8,
      },
      {
        title: 'Errors and lost events',
        description: 'In the last ten minutes.',
        type: 'timeseries',
        unit: 'short',
        queries: [
          { expr: `sum by (code) (increase(${m.errors.name}{${of}}[10m]))`, legend: '{{code}}' },
          {
            expr: `sum by (queue) (increase(${m.eventsDropped.name}{${of}}[10m]))`,
            legend: 'lost: {{queue}}',
          },
        ],
        width: 8,
      },
      {
        title: 'Enumeration',
        description: '95th percentile of listing all devices, by why it was done.',
        type: 'timeseries',
        unit: 's',
        queries: percentiles(m.enumerationDuration.name, of, 'reason').slice(1, 2),
        width: 8,
      },
    ],
    processRow(of),
  ],
};
