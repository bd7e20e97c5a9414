import { createHook } from 'node:async_hooks';

import { asOpen, noteOpened, type Opened, type Watcher, type WatchSettings } from './opened.ts';
import { framesOf } from './opened-at.ts';

interface Running extends Opened {
  readonly timer: NodeJS.Timeout;
}

/**
 * Timers of `setTimeout`, `setInterval` and `node:timers/promises`, wherever they were imported from. A timeout that
 * was `unref`ed ends by itself and holds nothing up: it is not open. An interval is, for it never ends.
 */
export function watchTimers(settings: WatchSettings): Watcher {
  const running = new Map<number, Running>();
  const hook = createHook({
    // Promises are most of what there is, and no timers. Node 22 does not know this and is slower.
    trackPromises: false,
    init: function init(asyncId, type, _trigger, resource) {
      if (type !== 'Timeout') return;
      // Node passes the Timeout itself as the resource of this type.
      running.set(asyncId, { ...noteOpened('timer', settings, init), timer: resource as NodeJS.Timeout });
    },
    destroy(asyncId) {
      if (running.delete(asyncId)) settings.onEnd();
    },
  }).enable();

  return {
    open: () =>
      [...running.values()].flatMap((entry) => {
        const interval = intervalOf(entry.timer);
        if (settings.isOwn(entry.timer) || !isPending(entry.timer)) return [];
        if (interval === undefined && !entry.timer.hasRef()) return [];
        // Node's own timers belong to a socket or a server, which is listed itself.
        if (framesOf(entry.taken).length === 0) return [];
        const detail =
          interval === undefined
            ? `timeout of ${field(entry.timer, '_idleTimeout') ?? '?'} ms`
            : `interval of ${interval} ms`;
        return asOpen(entry, detail, settings) ?? [];
      }),
    stop() {
      hook.disable();
      running.clear();
    },
  };
}

/** Node has no public way to tell an interval from a timeout; without the field it counts as a timeout. */
function intervalOf(timer: NodeJS.Timeout): number | undefined {
  return field(timer, '_repeat');
}

/** `destroy` comes some turns after the end, so the timer is asked too. */
function isPending(timer: NodeJS.Timeout): boolean {
  return Reflect.get(timer, '_destroyed') !== true;
}

function field(timer: NodeJS.Timeout, name: '_repeat' | '_idleTimeout'): number | undefined {
  const value: unknown = Reflect.get(timer, name);
  return typeof value === 'number' ? value : undefined;
}
