import type { PipelineEvents } from '@osforge/pipeline';

/** What a build says while it runs: the pipeline's events and those of the build's own phases. */
export type BuildEvents = PipelineEvents & {
  'build.started': { buildId: string; recipe: string; directory: string; resumed: boolean };
  'build.completed': { buildId: string; directory: string; durationMs: number; unchanged: boolean };
  'build.failed': { buildId: string; message: string; code?: string };
  'build.cancelled': { buildId: string; message: string };
  'checkpoint.quarantined': { path: string; reason: string };
  'vm.state': { state: string; accelerator?: string; reason?: string };
  'vm.console': { line: string };
  /** A wait for the machine has ended; `wait` is what for, as `boot`, `install` or `end`. */
  'vm.wait': {
    wait: string;
    outcome: 'ok' | 'failed' | 'timeout' | 'machine-ended' | 'cancelled';
    durationMs: number;
  };
  'vm.verdict': { kind: string; summary: string; lastConsoleLines: string[]; consoleLog: string };
  'guest.step': {
    app: string;
    step: string;
    state: 'started' | 'progress' | 'succeeded' | 'failed';
    message?: string;
  };
  /** A converted image is on the disk; `durationMs` is the flush alone. */
  'image.flushed': { format: string; sizeBytes: number; durationMs: number };
  /** Where a target of phase `usb` stands; `code` and `message` where it failed. */
  'usb.target': {
    target: string;
    path: string;
    state: string;
    doneBytes: number;
    totalBytes?: number;
    bytesPerSecond: number;
    etaMs?: number;
    /** Its file, where it is complete. */
    receipt?: string;
    code?: string;
    message?: string;
  };
  /** So many events are not in the journal, which could not take them. */
  'journal.incomplete': { count: number };
  'download.progress': { phase: string; receivedBytes: number; totalBytes: number };
};
