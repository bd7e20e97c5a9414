import { pairwise, startWith, type Observable, type Subscription } from 'rxjs';

import { isAtLeast, type PressureLevel } from './level.ts';

/** What is needed of a cache; `lru-cache` has it. */
export interface SheddableCache {
  readonly size: number;
  /** Removes the entry that was not used for the longest time. */
  readonly pop: () => unknown;
  readonly clear: () => void;
}

/** How much to let go. */
export interface ShedOptions {
  /** The share of the entries that go when memory gets short, 0 to 1; default 0.5. At `critical` all go. */
  readonly elevatedShare?: number | undefined;
}

/**
 * Empty a cache when memory gets short: the entries unused for longest at `elevated`, all at `critical`. It acts when
 * the level rises, not on every reading, and lets the cache grow again in between. Unsubscribe with the cache.
 */
export function shedOnPressure(
  cache: SheddableCache,
  level$: Observable<{ readonly level: PressureLevel }>,
  { elevatedShare = 0.5 }: ShedOptions = {},
): Subscription {
  if (!(elevatedShare >= 0 && elevatedShare <= 1))
    throw new RangeError(`elevatedShare is ${elevatedShare}: give a fraction from 0 to 1`);
  const normal: { readonly level: PressureLevel } = { level: 'normal' };
  return level$.pipe(startWith(normal), pairwise()).subscribe(([before, { level }]) => {
    if (isAtLeast(before.level, level)) return;
    if (level === 'critical') {
      cache.clear();
      return;
    }
    for (let left = Math.ceil(cache.size * elevatedShare); left > 0; left -= 1) cache.pop();
  });
}
