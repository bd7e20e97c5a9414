import { createHook } from 'node:async_hooks';

import { asOpen, noteOpened, type Opened, type Watcher, type WatchSettings } from './opened.ts';

/** Names that async hooks give to watched files and folders, and what makes them. */
const watcherTypes: ReadonlyMap<string, string> = new Map([
  ['FSEVENTWRAP', 'fs.watch'],
  ['STATWATCHER', 'fs.watchFile'],
]);

interface Watching extends Opened {
  readonly detail: string;
  readonly handle: { hasRef(): boolean };
}

/** `fs.watch` and `fs.watchFile`. One that does not keep the process alive (`persistent: false`) is not open. */
export function watchFileWatchers(settings: WatchSettings): Watcher {
  const running = new Map<number, Watching>();
  const hook = createHook({
    // See watch-timers.ts.
    trackPromises: false,
    init: function init(asyncId, type, _trigger, resource) {
      const detail = watcherTypes.get(type);
      if (detail === undefined) return;
      // Node passes its handle, which has the methods of every handle, as the resource of these types.
      const handle = resource as Watching['handle'];
      running.set(asyncId, { ...noteOpened('watcher', settings, init), detail, handle });
    },
    destroy(asyncId) {
      if (running.delete(asyncId)) settings.onEnd();
    },
  }).enable();

  return {
    open: () =>
      [...running.values()].flatMap((entry) =>
        entry.handle.hasRef() ? (asOpen(entry, entry.detail, settings) ?? []) : [],
      ),
    stop() {
      hook.disable();
      running.clear();
    },
  };
}
