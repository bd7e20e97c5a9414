export {
  DuplicateMetricError,
  InvalidLabelNameError,
  InvalidLabelsError,
  InvalidMetricNameError,
  InvalidMetricOptionError,
  isTransientMetricsError,
  MetricsCancelledError,
  MetricsError,
  MetricsFileError,
  MetricsListenError,
  MetricsPortTakenError,
  MetricsTimeoutError,
  RuntimeMetricsOwnedError,
} from './metrics/errors.ts';
export { OwnerDisposedError, ResourceLeakError } from './resources/errors.ts';
export type { CloseOptions, ListenTarget, Owner } from './resources/owner.ts';
export { currentOwner, runAsOwner } from './resources/owner-context.ts';
export type { OpenResource, ResourceKind, ResourceLeak } from './resources/resource.ts';
export {
  trackResources,
  type ResourceWatch,
  type SettleOptions,
  type TrackResourcesOptions,
} from './resources/track-resources.ts';
export {
  createResourceTracker,
  type ResourceTracker,
  type ResourceTrackerOptions,
} from './resources/tracker.ts';
export { formatMetrics } from './exposition/format-metrics.ts';
export { chooseFormat, contentTypes, type MetricsFormat } from './exposition/format.ts';
export type { Collect, CollectorFailure } from './metrics/collectors.ts';
export { combine } from './metrics/combine.ts';
export type { Counter } from './metrics/counter.ts';
export type {
  HistogramOptions,
  LabelledDefinition,
  MetricDefinition,
  UnlabelledDefinition,
} from './metrics/definition.ts';
export type {
  BucketSeries,
  HistogramFamily,
  MetricFamily,
  MetricType,
  ValueFamily,
  ValueSeries,
} from './metrics/family.ts';
export type { Gauge } from './metrics/gauge.ts';
export type { Histogram, HistogramSnapshot } from './metrics/histogram.ts';
export { createRegistry, type Registry, type RegistryOptions } from './metrics/registry.ts';
export type { Labelled } from './metrics/series-map.ts';
export type { MetricSource } from './metrics/source.ts';
export type { WaitOptions } from './metrics/wait-until.ts';
export {
  createRuntimeMetrics,
  type RuntimeMetrics,
  type RuntimeMetricsOptions,
} from './runtime/runtime-metrics.ts';
export {
  createMetricsServer,
  type MetricsServer,
  type MetricsServerOptions,
} from './scrape/metrics-server.ts';
export { writeMetricsFile, type WriteMetricsFileOptions } from './scrape/write-metrics-file.ts';
export type { Component, LifecycleContext } from './lifecycle/component.ts';
export {
  ComponentCycleError,
  DuplicateComponentError,
  isTransientLifecycleError,
  LifecycleStateError,
  MissingComponentError,
  StartAbandonedError,
  StartCancelledError,
  StartFailedError,
  StartStuckError,
  StartTimeoutError,
} from './lifecycle/errors.ts';
export {
  createInitGraph,
  type InitGraph,
  type InitGraphOptions,
  type LifecycleState,
  type StartOptions,
  type StopOptions,
} from './lifecycle/init-graph.ts';
export type {
  ComponentStart,
  ComponentStop,
  StartFailure,
  StartReport,
  StopReport,
} from './lifecycle/report.ts';
export {
  shutdownSignals,
  type ShutdownSignals,
  type ShutdownSignalsOptions,
  type SignalSource,
} from './lifecycle/shutdown-signals.ts';
export * from './pools/index.ts';
export {
  isAtLeast,
  type PressureFractions,
  type PressureLevel,
  type PressureMeasure,
  type PressureThresholds,
} from './pressure/level.ts';
export {
  createMemoryPressure,
  type MemoryPressure,
  type MemoryPressureOptions,
  type PressureState,
} from './pressure/memory-pressure.ts';
export { shedOnPressure, type SheddableCache, type ShedOptions } from './pressure/shed-on-pressure.ts';
export type { MemoryUse, PressureSources } from './pressure/sources.ts';
