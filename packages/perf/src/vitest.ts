import { afterAll, beforeEach } from 'vitest';

import { trackResources } from './resources/track-resources.ts';

/*
 * One line in a set-up file of vitest, `import '@osforge/perf/vitest'`: each test file fails when it leaves a timer,
 * socket, server, child process, worker, file watcher, or a listener on `process` behind. The report names the test
 * in which it was opened, and the line.
 */

let running = 'the set-up of the file';
const watch = trackResources({
  owner: () => `test "${running}"`,
  foreignFrame: /node_modules\/(?:@vitest|vitest|vite|tinypool|birpc)\//,
});

beforeEach(({ task }) => {
  running = task.name;
});

// Hooks after tests run in reverse order: this one, registered first, runs when the file has cleaned up.
afterAll(async () => {
  try {
    await watch.assertNoLeaks();
  } finally {
    watch.stop();
  }
});
