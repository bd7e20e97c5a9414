import { createEventBus, type EventBus } from '@osforge/event-bus';
import type { BuildEvents } from '@osforge/image-builder';
import { recordBuild } from '@osforge/image-builder';
import { createRegistry, formatMetrics, type Registry } from '@osforge/perf';
import { beforeEach, expect, test } from 'vitest';

let bus: EventBus<BuildEvents>;
let registry: Registry;
let nowMs: number;
let recorder: ReturnType<typeof recordBuild>;

beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 31, 12);
  bus = createEventBus<BuildEvents>({ buildId: 'demo', now: () => nowMs });
  registry = createRegistry();
  recorder = recordBuild(registry, 'demo');
  bus.events$.subscribe(recorder.event);
});

/** All series by name and labels. */
async function series(): Promise<Map<string, number>> {
  const text = formatMetrics(await registry.collect(), 'prometheus');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space).replace(/build_id="demo",?/, ''), Number(line.slice(space + 1))];
    }),
  );
}

function start(): void {
  bus.publish('build', 'build.started', { buildId: 'demo', recipe: 'r', directory: 'd', resumed: false });
}

test('a phase that completes: its own duration, the bytes that its commit flushed, and the outcome', async () => {
  start();
  bus.publish('pipeline', 'phase.started', { phase: 'disk', attempt: 1, reason: 'not done yet' });
  const file = { path: 'p', sha256: '0' };
  bus.publish('pipeline', 'phase.completed', {
    phase: 'disk',
    durationMs: 2500,
    artifacts: [
      { name: 'disk', sizeBytes: 4096, ...file },
      { name: 'list', sizeBytes: 100, ...file },
    ],
  });
  bus.publish('pipeline', 'checkpoint.saved', { phase: 'disk', durationMs: 1500 });
  bus.publish('pipeline', 'pipeline.progress', { percent: 41.5 });
  const found = await series();
  const labels = 'phase="disk",outcome="completed"';
  expect(found.get(`osforge_build_phase_duration_seconds_sum{${labels}}`)).toBe(2.5);
  expect(found.get(`osforge_build_phases_total{${labels}}`)).toBe(1);
  expect(found.get('osforge_build_flushed_bytes_total{phase="disk"}')).toBe(4196);
  expect(found.get('osforge_build_checkpoint_write_duration_seconds_bucket{le="1.0"}')).toBe(0);
  expect(found.get('osforge_build_checkpoint_write_duration_seconds_bucket{le="2.5"}')).toBe(1);
  expect(found.get('osforge_build_progress_ratio{}')).toBe(0.415);
  expect(found.get('osforge_build_events_total{type="phase.completed"}')).toBe(1);
  expect(found.get('osforge_build_outcome{outcome="running"}')).toBe(1);
});

test('a phase that is tried again and fails has lasted since its first start', async () => {
  start();
  bus.publish('pipeline', 'phase.started', { phase: 'apps', attempt: 1, reason: 'not done yet' });
  nowMs += 4000;
  bus.publish('pipeline', 'phase.retrying', {
    phase: 'apps',
    what: 'apps',
    attempt: 1,
    retriesLeft: 1,
    delayMs: 1,
    message: 'reset',
  });
  bus.publish('pipeline', 'phase.started', { phase: 'apps', attempt: 2, reason: 'not done yet' });
  nowMs += 3000;
  bus.publish('pipeline', 'phase.failed', { phase: 'apps', attempt: 2, message: 'no', code: 'FLUSH_VERIFY' });
  nowMs += 1000;
  bus.publish('build', 'build.failed', { buildId: 'demo', message: 'no' });
  const found = await series();
  expect(found.get('osforge_build_phase_duration_seconds_sum{phase="apps",outcome="failed"}')).toBe(7);
  expect(found.get('osforge_build_retries_total{phase="apps"}')).toBe(1);
  expect(found.get('osforge_build_outcome{outcome="failed"}')).toBe(1);
  expect(found.get('osforge_build_outcome{outcome="running"}')).toBe(0);
  expect(found.get('osforge_build_duration_seconds{}')).toBe(8);
  // Not the capture's: nothing of a disk was verified.
  expect([...found.keys()].join('\n')).not.toContain('verify_failures_total{');
});

test.each([
  ['BUILD_INCONSISTENT', true],
  ['FLUSH_VERIFY', true],
  ['DISK_IMAGE_DISK_FULL', false],
  [undefined, false],
])('a capture that fails with %s counts as refused by its verification: %s', async (code, counted) => {
  start();
  bus.publish('pipeline', 'phase.failed', {
    phase: 'capture',
    attempt: 1,
    message: 'no',
    ...(code === undefined ? {} : { code }),
  });
  const name = `osforge_build_capture_verify_failures_total{code="${String(code)}"}`;
  expect((await series()).get(name)).toBe(counted ? 1 : undefined);
});

test('waits for the machine, flushes of images and verdicts', async () => {
  bus.publish('vm', 'vm.wait', { wait: 'boot', outcome: 'timeout', durationMs: 20_000 });
  bus.publish('capture', 'image.flushed', { format: 'qcow2', sizeBytes: 1, durationMs: 250 });
  bus.publish('vm', 'vm.verdict', { kind: 'panic', summary: '', lastConsoleLines: [], consoleLog: '' });
  const found = await series();
  expect(found.get('osforge_build_vm_wait_duration_seconds_sum{wait="boot",outcome="timeout"}')).toBe(20);
  expect(found.get('osforge_build_image_flush_duration_seconds_sum{format="qcow2"}')).toBe(0.25);
  expect(found.get('osforge_build_vm_verdicts_total{verdict="panic"}')).toBe(1);
});

test('events that were dropped are counted by place, and one that did not come shows in the numbers', async () => {
  const dropped = (place: string): string => `osforge_build_events_dropped_total{place="${place}"}`;
  // There from the start, so that the first loss is an increase.
  expect((await series()).get(dropped('journal'))).toBe(0);
  start();
  bus.publish('build', 'journal.incomplete', { count: 7 });
  bus.publish('pipeline', 'events.dropped', { count: 3 });
  const next = bus.publish('build', 'journal.incomplete', { count: 1 });
  recorder.event({ ...next, seq: next.seq + 11 });
  const found = await series();
  expect(found.get(dropped('journal'))).toBe(9);
  expect(found.get(dropped('late-subscriber'))).toBe(3);
  expect(found.get(dropped('metrics'))).toBe(10);
});

test('a build that cannot be started has failed', async () => {
  expect((await series()).get('osforge_build_outcome{outcome="failed"}')).toBe(0);
  recorder.notStarted();
  expect((await series()).get('osforge_build_outcome{outcome="failed"}')).toBe(1);
});
