import type { EventEmitter } from 'node:events';

import { describeListener } from './describe.ts';
import { asOpen, noteOpened, type Opened, type Watcher, type WatchSettings } from './opened.ts';
import type { OpenResource } from './resource.ts';

/** What is needed of an emitter of Node to see which listeners it has. */
export type WatchedEmitter = Pick<EventEmitter, 'on' | 'off' | 'eventNames' | 'listeners'>;

type Listener = (...args: unknown[]) => unknown;

/** Listeners that came to emitters that live as long as the process, and were there before the watch began. */
export function watchListeners(emitters: readonly WatchedEmitter[], settings: WatchSettings): Watcher {
  const watchers = emitters.map((emitter) => watchEmitter(emitter, settings));
  return {
    open: () => watchers.flatMap((watcher) => watcher.open()),
    stop() {
      for (const watcher of watchers) watcher.stop();
    },
  };
}

function watchEmitter(emitter: WatchedEmitter, settings: WatchSettings): Watcher {
  const before = new Map(emitter.eventNames().map((event) => [event, listenersOf(emitter, event)]));
  const opened = new WeakMap<Listener, Opened>();
  const onNew = (_event: string | symbol, listener: Listener): void => {
    opened.set(listener, noteOpened('listener', settings, onNew));
  };
  const onRemoved = (): void => {
    settings.onEnd();
  };
  emitter.on('newListener', onNew);
  emitter.on('removeListener', onRemoved);

  const added = (event: string | symbol): OpenResource[] => {
    const known = [...(before.get(event) ?? []), onNew, onRemoved];
    return listenersOf(emitter, event).flatMap((listener) => {
      const index = known.indexOf(listener);
      if (index >= 0) {
        known.splice(index, 1);
        return [];
      }
      const note = opened.get(listener) ?? noteOpened('listener', settings, added);
      return asOpen(note, describeListener(event, emitter), settings) ?? [];
    });
  };
  return {
    open: () => emitter.eventNames().flatMap(added),
    stop() {
      emitter.off('newListener', onNew);
      emitter.off('removeListener', onRemoved);
    },
  };
}

/** Those of `once` unwrapped, as `newListener` gives them. Typed `Function` by Node, which this only calls by name. */
function listenersOf(emitter: WatchedEmitter, event: string | symbol): Listener[] {
  return emitter.listeners(event) as Listener[];
}
