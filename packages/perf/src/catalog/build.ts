/**
 * One build. Every series has the build's id: the files of several builds are read by one node_exporter, which refuses
 * two series of the same name and labels.
 */
export const buildMetrics = {
  outcome: {
    type: 'gauge',
    name: 'osforge_build_outcome',
    help: 'How the build stands: 1 for running, completed, unchanged, failed or cancelled, 0 for the others.',
    labels: ['build_id', 'outcome'],
  },
  started: {
    type: 'gauge',
    name: 'osforge_build_start_time_seconds',
    help: 'When this run of the build began, as seconds since 1970.',
    labels: ['build_id'],
  },
  duration: {
    type: 'gauge',
    name: 'osforge_build_duration_seconds',
    help: 'How long this run took, from its first event to its last one; there once it has ended.',
    labels: ['build_id'],
  },
  progress: {
    type: 'gauge',
    name: 'osforge_build_progress_ratio',
    help: 'Part of the whole work that is done, 0 to 1.',
    labels: ['build_id'],
  },
  phaseDuration: {
    type: 'histogram',
    name: 'osforge_build_phase_duration_seconds',
    help: 'Time from the start of a phase, its retries included, to its commit, failure or cancellation.',
    labels: ['build_id', 'phase', 'outcome'],
    bounds: [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400],
  },
  phases: {
    type: 'counter',
    name: 'osforge_build_phases_total',
    help: 'Phases by how they ended: completed, reused, skipped, failed or cancelled.',
    labels: ['build_id', 'phase', 'outcome'],
  },
  retries: {
    type: 'counter',
    name: 'osforge_build_retries_total',
    help: 'Attempts that failed and were made again: of a phase, or of one step in it.',
    labels: ['build_id', 'phase'],
  },
  flushedBytes: {
    type: 'counter',
    name: 'osforge_build_flushed_bytes_total',
    help: 'Size of the artifacts that were flushed to the disk, file and folder, when their phase was committed.',
    labels: ['build_id', 'phase'],
  },
  imageFlushDuration: {
    type: 'histogram',
    name: 'osforge_build_image_flush_duration_seconds',
    help: 'Time that a converted disk image took to be flushed, by its format.',
    labels: ['build_id', 'format'],
    bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300],
  },
  vmWaitDuration: {
    type: 'histogram',
    name: 'osforge_build_vm_wait_duration_seconds',
    help: 'Waits for the build machine, by what for (boot, install, its end, …) and how the wait ended.',
    labels: ['build_id', 'wait', 'outcome'],
    bounds: [0.1, 0.5, 1, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600],
  },
  vmVerdicts: {
    type: 'counter',
    name: 'osforge_build_vm_verdicts_total',
    help: 'Ends of the build machine by verdict; only a clean one goes on to capture.',
    labels: ['build_id', 'verdict'],
  },
  checkpointWriteDuration: {
    type: 'histogram',
    name: 'osforge_build_checkpoint_write_duration_seconds',
    help: "Time to write the build's record durably: temporary file, fsync, rename, fsync of the folder.",
    labels: ['build_id'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  events: {
    type: 'counter',
    name: 'osforge_build_events_total',
    help: 'Events on the bus of the build, by type.',
    labels: ['build_id', 'type'],
  },
  eventsDropped: {
    type: 'counter',
    name: 'osforge_build_events_dropped_total',
    help: 'Events that did not get to where they belong, by place: the journal, the metrics, or a late subscriber.',
    labels: ['build_id', 'place'],
  },
  captureVerifyFailures: {
    type: 'counter',
    name: 'osforge_build_capture_verify_failures_total',
    help: 'Captures that were refused because the disk or the image was not what it has to be, by error code.',
    labels: ['build_id', 'code'],
  },
} as const;
