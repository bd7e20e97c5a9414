import { trackResources, type TrackResourcesOptions } from './track-resources.ts';

/** The hooks of vitest; passed in, so that this package does not depend on it. */
export interface TestHooks {
  readonly beforeEach: (fn: (context: { readonly task: { readonly name: string } }) => void) => void;
  readonly afterAll: (fn: () => Promise<void>) => void;
}

/**
 * To be called in a set-up file of vitest: each test file fails with a `ResourceLeakError` when it leaves a timer,
 * socket, server, child process, worker, file watcher, or a listener on `process` behind. The error names the test in
 * which it was opened, and the line. What is already ending has two seconds for it.
 * `except` names what is meant to stay.
 */
export function failOnLeaks(
  { beforeEach, afterAll }: TestHooks,
  { except }: Pick<TrackResourcesOptions, 'except'> = {},
): void {
  let running = 'outside of tests';
  const watch = trackResources({
    owner: () => running,
    except,
    foreignFrame: /node_modules\/(?:@vitest|vitest|vite|tinypool|birpc)\//,
  });
  beforeEach(({ task }) => {
    running = `test "${task.name}"`;
  });
  // Hooks after tests run in reverse order: this one, registered first, runs when the file has cleaned up.
  afterAll(async () => {
    try {
      await watch.assertNoLeaks();
    } finally {
      watch.stop();
    }
  });
}
