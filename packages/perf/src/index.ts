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
