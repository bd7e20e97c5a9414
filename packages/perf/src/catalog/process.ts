/** Any long-lived process of osforge, beside its runtime metrics. */
export const processMetrics = {
  startDuration: {
    type: 'gauge',
    name: 'osforge_start_duration_seconds',
    help: 'How long the component took to start; the component `all` is the whole process.',
    labels: ['component'],
  },
  shutdownDuration: {
    type: 'gauge',
    name: 'osforge_shutdown_duration_seconds',
    help: 'How long the component took to stop the last time; the component `all` is the whole process.',
    labels: ['component'],
  },
  memoryPressure: {
    type: 'gauge',
    name: 'osforge_memory_pressure_level',
    help: 'Memory pressure: 0 normal, 1 elevated, 2 critical.',
    labels: [],
  },
} as const;
