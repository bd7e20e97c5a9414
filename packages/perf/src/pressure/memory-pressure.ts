import { distinctUntilChanged, Observable, ReplaySubject, share } from 'rxjs';

import { timerMs } from '../timer-ms.ts';
import {
  defaultThresholds,
  nextLevel,
  worstMeasure,
  type LevelState,
  type PressureFractions,
  type PressureLevel,
  type PressureMeasure,
  type PressureThresholds,
} from './level.ts';
import { defaultPressureSources, type MemoryUse, type PressureSources } from './sources.ts';

/** How memory is watched. */
export interface MemoryPressureOptions {
  /** When levels are reached and left; each may be left out. */
  readonly thresholds?: Partial<PressureThresholds> | undefined;
  /**
   * Milliseconds between readings while nothing else gives occasion for one; default 5000, 0 for none. See
   * {@link createMemoryPressure} for why there is a timer.
   */
  readonly sampleMs?: number | undefined;
  /** Milliseconds: collections that follow each other faster than this share a reading; default 500. */
  readonly minReadingMs?: number | undefined;
  /** Where figures come from; default: this process. */
  readonly sources?: Partial<PressureSources> | undefined;
}

/** One reading. */
export interface PressureState {
  readonly level: PressureLevel;
  /** The measure that is closest to its limit; undefined when no measure has one. */
  readonly worst: PressureMeasure | undefined;
  readonly fractions: PressureFractions;
  /** The heap after the last major collection; undefined before the first. */
  readonly heap: MemoryUse | undefined;
  readonly rss: MemoryUse;
  /** The control group that is closest to its limit; undefined without one. */
  readonly cgroup: MemoryUse | undefined;
  /** When it was read, by the clock of the sources. */
  readonly at: number;
}

/** Watches memory while somebody subscribes, and tells late subscribers of the last reading first. */
export interface MemoryPressure {
  /** The first reading, then one for each change of the level: what caches and queues subscribe to. */
  readonly level$: Observable<PressureState>;
  /** Every reading: for gauges. One that cannot be taken, as when no file descriptor is left, is left out. */
  readonly reading$: Observable<PressureState>;
}

const defaultSampleMs = 5000;
const defaultMinReadingMs = 500;

/**
 * Watches the memory of this process. It never forces a collection. A reading is taken after a garbage collection (the
 * heap's figure only after a major one: what is left then is in use), and when the kernel says that the control group
 * is at its limit (version 2).
 *
 * There is also a slow timer, which keeps no process alive, for a reason: child processes and native code take memory
 * without any collection here, an idle process has none when its memory comes back, and neither RSS nor a control group
 * of version 1 has an event. Pressure stall information has one (POLLPRI), for which Node cannot wait.
 */
export function createMemoryPressure(options: MemoryPressureOptions = {}): MemoryPressure {
  const { sampleMs = defaultSampleMs, minReadingMs = defaultMinReadingMs } = options;
  const thresholds = { ...defaultThresholds, ...options.thresholds };
  checkThresholds(thresholds);
  const sources = { ...defaultPressureSources(), ...options.sources };

  const reading$ = new Observable<PressureState>((subscriber) => {
    let state: LevelState = { level: 'normal', calm: undefined };
    let heap: MemoryUse | undefined;
    let lastAt = -Infinity;

    const read = (): void => {
      const at = sources.now();
      lastAt = at;
      const rss = sources.rss();
      const cgroup = sources.cgroup();
      const fractions = { heap: fractionOf(heap), rss: fractionOf(rss), cgroup: fractionOf(cgroup) };
      state = nextLevel(state, fractions, at, thresholds);
      subscriber.next({
        level: state.level,
        worst: worstMeasure(fractions),
        fractions,
        heap,
        rss,
        cgroup,
        at,
      });
    };

    /** Node needs a file descriptor to read the RSS: where there is none left, the next reading has to do. */
    const tryToRead = (): void => {
      try {
        read();
      } catch {
        // Thrown from a timer or an observer, it would end the process.
      }
    };

    const endCollections = sources.onCollection((major) => {
      if (major) heap = sources.heap();
      if (major || sources.now() - lastAt >= minReadingMs) tryToRead();
    });
    const endEvents = sources.onCgroupEvent(tryToRead);
    const timer = sampleMs > 0 ? setInterval(tryToRead, timerMs(sampleMs)).unref() : undefined;
    tryToRead();
    return () => {
      clearInterval(timer);
      endCollections();
      endEvents();
    };
  }).pipe(share({ connector: () => new ReplaySubject(1) }));

  return { reading$, level$: reading$.pipe(distinctUntilChanged((a, b) => a.level === b.level)) };
}

function fractionOf(use: MemoryUse | undefined): number | undefined {
  return use === undefined || use.limitBytes <= 0 ? undefined : use.usedBytes / use.limitBytes;
}

function checkThresholds({ elevated, critical, margin, calmMs }: PressureThresholds): void {
  if (!(elevated > 0 && elevated < critical && critical <= 1))
    throw new RangeError(`thresholds: 0 < elevated (${elevated}) < critical (${critical}) <= 1 must hold`);
  if (!(margin >= 0 && margin < elevated) || !(calmMs >= 0))
    throw new RangeError(
      `thresholds: margin (${margin}) must be 0 to elevated, calmMs (${calmMs}) not negative`,
    );
}
