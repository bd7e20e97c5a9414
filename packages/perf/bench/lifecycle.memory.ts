import { EventEmitter } from 'node:events';

import { createInitGraph, createResourceTracker, type Owner } from '@osforge/perf';

const tracker = createResourceTracker();
const emitter = new EventEmitter();
let owner: Owner | undefined;

const graph = createInitGraph([
  {
    name: 'source',
    start: () => {
      owner = tracker.own('source');
      owner.listen(emitter, 'change', () => {});
      owner.setInterval(() => {}, 60_000);
    },
    stop: () => owner?.close(),
  },
  { name: 'queue', dependsOn: ['source'], start: () => Promise.resolve(), stop: () => Promise.resolve() },
  { name: 'app', dependsOn: ['queue', 'source'], start: () => Promise.resolve() },
]);

/** In a few thousand, what V8 keeps of warmed-up code still shows as growth. */
export const cycles = 20_000;

/** One start and stop of a graph whose first component opens a listener and a timer. */
export async function cycle(): Promise<void> {
  await graph.start();
  await graph.stop();
  tracker.assertNoLeaks();
}

export function listeners(): number {
  return emitter.listenerCount('change');
}
