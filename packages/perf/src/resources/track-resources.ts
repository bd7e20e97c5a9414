import { ResourceLeakError } from './errors.ts';
import type { WatchSettings } from './opened.ts';
import { groupLeaks, type OpenResource } from './resource.ts';
import { waitFor } from '../wait-for.ts';
import { watchFileWatchers } from './watch-files.ts';
import { watchHandles } from './watch-handles.ts';
import { watchListeners, type WatchedEmitter } from './watch-listeners.ts';
import { watchTimers } from './watch-timers.ts';

/** What an ambient watch looks at. */
export interface TrackResourcesOptions {
  /** Emitters that outlive a test, whose new listeners are leaks; default: `process`. */
  readonly emitters?: readonly WatchedEmitter[] | undefined;
  /** Names who opens something outside of every owner's `run`; default: `unknown`. */
  readonly owner?: (() => string) | undefined;
  /** Matches the frames of a host, such as a test runner, whose own resources are none of ours; default: none. */
  readonly foreignFrame?: RegExp | undefined;
  /** Says what is meant to stay open, such as the service of a tool that lives as long as the process; default: none. */
  readonly except?: ((resource: OpenResource) => boolean) | undefined;
}

/** How long to wait for what is already ending. */
export interface SettleOptions {
  /** Milliseconds; default 2000. */
  readonly timeoutMs?: number | undefined;
  /** Rejects the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Everything that the process opened since the watch began. */
export interface ResourceWatch extends Disposable {
  /** What is open now. */
  open(): OpenResource[];
  /**
   * Resolves when nothing is open. Sockets and children end some moments after they were asked to; events tell of it,
   * and nothing polls.
   * @throws ResourceLeakError for what is still open at the deadline
   */
  assertNoLeaks(options?: SettleOptions): Promise<void>;
  /** Ends the watch. Idempotent. */
  stop(): void;
}

const defaultSettleMs = 2000;

/**
 * Watch what the whole process opens from now on, by its own hands or in a library: timers and file watchers (async
 * hooks), sockets, servers, child processes and workers (diagnostics channels), and listeners on `emitters`. For tests
 * and diagnosis: it takes a stack, some microseconds, for each.
 */
export function trackResources({
  emitters = [process],
  owner = () => 'unknown',
  foreignFrame,
  except = () => false,
}: TrackResourcesOptions = {}): ResourceWatch {
  let check: (() => void) | undefined;
  const deadlines = new WeakSet<NodeJS.Timeout>();
  const settings: WatchSettings = {
    owner,
    isForeign: (frame) => foreignFrame?.test(frame) ?? false,
    isOwn: (timer) => deadlines.has(timer),
    onEnd: () => check?.(),
  };
  const watchers = [
    watchTimers(settings),
    watchHandles(settings),
    watchListeners(emitters, settings),
    watchFileWatchers(settings),
  ];
  const open = (): OpenResource[] =>
    watchers.flatMap((watcher) => watcher.open()).filter((resource) => !except(resource));
  const stop = (): void => {
    for (const watcher of watchers) watcher.stop();
  };

  return {
    open,
    async assertNoLeaks({ timeoutMs = defaultSettleMs, signal } = {}) {
      signal?.throwIfAborted();
      if (open().length === 0) return;
      const late = (): Error | undefined => {
        const left = open();
        return left.length === 0 ? undefined : new ResourceLeakError(groupLeaks(left));
      };
      const onTimer = (timer: NodeJS.Timeout): void => void deadlines.add(timer);
      try {
        await waitFor(
          (done) => {
            check = () => {
              if (open().length === 0) done();
            };
          },
          { timeoutMs, signal, late, onTimer },
        );
      } finally {
        check = undefined;
      }
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
