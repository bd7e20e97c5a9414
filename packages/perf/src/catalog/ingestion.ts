/** Transcripts into databases: the splitter and cleaner, and the writer. */
export const ingestionMetrics = {
  bytes: {
    type: 'counter',
    name: 'osforge_ingest_bytes_total',
    help: 'Bytes of transcripts that were read.',
    labels: [],
  },
  rows: {
    type: 'counter',
    name: 'osforge_ingest_rows_total',
    help: 'Rows by result: written, duplicate or rejected.',
    labels: ['result'],
  },
  batchDuration: {
    type: 'histogram',
    name: 'osforge_ingest_batch_duration_seconds',
    help: 'Time to write one batch, from the lock to the commit.',
    labels: ['driver'],
    bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  lockWaitDuration: {
    type: 'histogram',
    name: 'osforge_ingest_lock_wait_duration_seconds',
    help: "Time that a writer waited for a site's database.",
    labels: ['driver'],
    bounds: [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  },
  parseErrors: {
    type: 'counter',
    name: 'osforge_ingest_parse_errors_total',
    help: 'Parts of transcripts that no template could read, by reason.',
    labels: ['reason'],
  },
  queued: {
    type: 'gauge',
    name: 'osforge_ingest_queue_rows',
    help: 'Rows that wait to be written.',
    labels: [],
  },
  queueCapacity: {
    type: 'gauge',
    name: 'osforge_ingest_queue_capacity_rows',
    help: 'Rows that may wait before the reader is held up.',
    labels: [],
  },
} as const;
