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
  'vm.verdict': { kind: string; summary: string; lastConsoleLines: string[]; consoleLog: string };
  'guest.step': {
    app: string;
    step: string;
    state: 'started' | 'progress' | 'succeeded' | 'failed';
    message?: string;
  };
  'download.progress': { phase: string; receivedBytes: number; totalBytes: number };
};
