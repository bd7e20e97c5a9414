/**
 * What the shipped alert rules hold the metrics against. The buckets of the histograms have a bound exactly here, so
 * that Prometheus tells without interpolation whether a limit is passed.
 */
export const alertLimits = {
  usbEventLatencySeconds: 0.08,
  pluginLoadSeconds: 0.2,
  shutdownSeconds: 3,
  checkpointWriteSeconds: 1,
  /** Growth of the heap that is left after collections. */
  memoryGrowthBytesPerHour: 500_000,
} as const;
