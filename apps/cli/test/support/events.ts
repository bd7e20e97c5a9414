import type { BuildEvents } from '@osforge/image-builder';
import type { BuildEvent } from '../../src/view/build-event.ts';

/** The moment that `event` counts its seconds from. */
export const start = Date.UTC(2026, 0, 31, 12);

/** An event, `seconds` after the start. */
export function event<T extends keyof BuildEvents>(
  seconds: number,
  type: T,
  data: BuildEvents[T],
): BuildEvent {
  const time = new Date(start + seconds * 1000).toISOString();
  // The pair comes from one generic call; TypeScript cannot follow that into the union.
  return { v: 1, seq: 1, time, source: 'test', type, buildId: 'demo', data } as BuildEvent;
}

/** A build in which everything occurs. */
export const story: readonly BuildEvent[] = [
  event(0, 'build.started', {
    buildId: 'demo',
    recipe: '/r/demo.yaml',
    directory: '/out/demo',
    resumed: true,
  }),
  event(0, 'pipeline.planned', {
    phases: [
      { name: 'preflight', action: 'reuse', reason: 'nothing changed' },
      { name: 'apps', action: 'run', reason: 'inputs changed: apps.0.name' },
      { name: 'disk', action: 'run', reason: 'upstream apps runs again' },
      { name: 'app-install', action: 'run', reason: 'upstream disk runs again' },
      { name: 'media', action: 'skip', reason: 'not requested' },
    ],
  }),
  event(0.1, 'phase.skipped', { phase: 'media', reason: 'not requested' }),
  event(0.1, 'phase.reused', { phase: 'preflight', reason: 'nothing changed' }),
  event(0.2, 'phase.started', { phase: 'apps', attempt: 1, reason: 'inputs changed: apps.0.name' }),
  event(1, 'download.progress', { phase: 'apps', receivedBytes: 30, totalBytes: 100 }),
  event(1.1, 'download.progress', { phase: 'apps', receivedBytes: 31, totalBytes: 100 }),
  event(2, 'phase.retrying', {
    phase: 'apps',
    what: 'download',
    attempt: 1,
    retriesLeft: 1,
    delayMs: 2000,
    message: 'connection reset\nby peer',
  }),
  event(5, 'phase.completed', { phase: 'apps', durationMs: 4800, artifacts: [] }),
  event(5, 'pipeline.progress', { percent: 30.4, etaMs: 60_000 }),
  event(5, 'phase.started', { phase: 'disk', attempt: 1, reason: 'upstream apps runs again' }),
  event(5.5, 'phase.log', { phase: 'disk', line: 'I: noise' }),
  event(6, 'phase.progress', { phase: 'disk', fraction: 0.01, step: 'partitioning' }),
  event(7, 'phase.progress', { phase: 'disk', fraction: 0.3, step: 'unpacking' }),
  event(8, 'phase.progress', { phase: 'disk', fraction: 0.31, step: 'unpacking 字字字' }),
  event(12.5, 'phase.progress', { phase: 'disk', fraction: 0.32, step: 'unpacking' }),
  event(15, 'phase.completed', { phase: 'disk', durationMs: 10_000, artifacts: [] }),
  event(15, 'phase.started', { phase: 'app-install', attempt: 2, reason: 'upstream disk runs again' }),
  event(16, 'vm.state', { state: 'started', accelerator: 'tcg' }),
  event(16.5, 'vm.console', { line: 'Booting\u001B[2J\u001B[31m now\u0007\u009B1A' }),
  event(17, 'guest.step', { app: 'nginx', step: 'packages', state: 'started' }),
  event(17.5, 'guest.step', { app: 'nginx', step: 'packages', state: 'progress', message: '3 of 9' }),
  event(18, 'pipeline.progress', { percent: 71.9, etaMs: 30_000 }),
];
