import { buildOverview } from './build-overview.ts';
import type { Dashboard } from './dashboard.ts';
import { ingestion } from './ingestion.ts';
import { pluginLoader } from './plugin-loader.ts';
import { usbDaemon } from './usb-daemon.ts';

/** All that are shipped, by the name of their file in monitoring/grafana. */
export const dashboards: Readonly<Record<string, Dashboard>> = {
  'build-overview': buildOverview,
  'usb-daemon': usbDaemon,
  'plugin-loader': pluginLoader,
  ingestion,
};
