import { createEventBus, type EventBus } from '@osforge/event-bus';
import { recordBuild, type BuildEvents } from '@osforge/image-builder';
import { combine, createRegistry, createRuntimeMetrics, formatMetrics, type Registry } from '@osforge/perf';
import { test } from 'vitest';

/** How often each event came in a cold build of recipes/debian-no-apps.yaml, which took 30 to 60 s. */
const counts = {
  'phase.log': 1560,
  'phase.progress': 496,
  'pipeline.progress': 431,
  'checkpoint.saved': 7,
  phases: 6,
};
const events = Object.values(counts).reduce((sum, count) => sum + count, 0) + counts.phases;

/** All events of such a build, evenly mixed. */
function publishBuild(bus: EventBus<BuildEvents>): void {
  for (let n = 0; n < counts['phase.log']; n += 1) {
    bus.publish('pipeline', 'phase.log', {
      phase: 'disk',
      line: 'Unpacking gcc-12-base:amd64 (12.2.0-14) ...',
    });
    if (n < counts['phase.progress'])
      bus.publish('pipeline', 'phase.progress', { phase: 'disk', fraction: 0.5 });
    if (n < counts['pipeline.progress']) bus.publish('pipeline', 'pipeline.progress', { percent: 50 });
    if (n < counts['checkpoint.saved']) bus.publish('pipeline', 'checkpoint.saved', { durationMs: 3 });
    if (n >= counts.phases) continue;
    const phase = `phase-${n}`;
    bus.publish('pipeline', 'phase.started', { phase, attempt: 1, reason: 'not done yet' });
    bus.publish('pipeline', 'phase.completed', { phase, durationMs: 5000, artifacts: [] });
  }
}

function recorded(): { bus: EventBus<BuildEvents>; registry: Registry } {
  const registry = createRegistry();
  const recorder = recordBuild(registry, 'bench');
  const bus = createEventBus<BuildEvents>({ replaySize: 0 });
  bus.live$.subscribe(recorder.event);
  return { bus, registry };
}

let seen = 0;

test(`the ${events} events of a build without applications`, async ({ bench }) => {
  const { bus } = recorded();
  const bare = createEventBus<BuildEvents>({ replaySize: 0 });
  bare.live$.subscribe(({ seq }) => (seen += seq & 1));
  await bench.compare(
    bench('bus and metrics', () => {
      publishBuild(bus);
    }),
    bench('floor: bus and a subscriber that counts', () => {
      publishBuild(bare);
    }),
  );
});

test('a scrape of a whole build', async ({ bench }) => {
  const { bus, registry } = recorded();
  publishBuild(bus);
  const own = createRegistry();
  const runtime = createRuntimeMetrics(own, { owner: 'the bench', folders: ['/'] });
  runtime.start();
  const all = combine(registry, own);
  await bench.compare(
    bench('the build and the process (--metrics-port)', async () => {
      seen += formatMetrics(await all.collect(), 'prometheus').length;
    }),
    bench('the build alone (--metrics-file, without the file)', async () => {
      seen += formatMetrics(await registry.collect(), 'prometheus').length;
    }),
  );
  runtime.stop();
});
