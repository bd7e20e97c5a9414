/** The plugin loader. */
export const pluginLoaderMetrics = {
  loadDuration: {
    type: 'histogram',
    name: 'osforge_plugin_load_duration_seconds',
    help: 'Time from the decision to load a plugin to it being ready, by result.',
    labels: ['result'],
    bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5],
  },
  lastLoadDuration: {
    type: 'gauge',
    name: 'osforge_plugin_last_load_duration_seconds',
    help: 'How long the last load of the plugin took. Plugins load once, so that a rate would see nothing.',
    labels: ['plugin'],
  },
  manifestParseDuration: {
    type: 'histogram',
    name: 'osforge_plugin_manifest_parse_duration_seconds',
    help: 'Time to read and check a manifest that was not in the cache.',
    labels: [],
    bounds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1],
  },
  workerStartDuration: {
    type: 'histogram',
    name: 'osforge_plugin_worker_start_duration_seconds',
    help: 'Time until a new worker is ready for a plugin.',
    labels: [],
    bounds: [0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5],
  },
  active: {
    type: 'gauge',
    name: 'osforge_plugins_active',
    help: 'Plugins that are loaded and ready.',
    labels: [],
  },
  workers: {
    type: 'gauge',
    name: 'osforge_plugin_workers',
    help: 'Workers of the pool by state: idle, busy, starting.',
    labels: ['state'],
  },
  cacheRequests: {
    type: 'counter',
    name: 'osforge_plugin_cache_requests_total',
    help: 'Look-ups in the cache of manifests, by result: hit or miss. The hit rate is their ratio.',
    labels: ['result'],
  },
  errors: {
    type: 'counter',
    name: 'osforge_plugin_errors_total',
    help: 'Errors of the loader and of plugins, by code.',
    labels: ['code'],
  },
} as const;
