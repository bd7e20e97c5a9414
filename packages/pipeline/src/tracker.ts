import type { Publish } from './events.ts';
import type { Expectation, ProgressNode } from './progress.ts';
import { percentDone, remainingMs } from './progress.ts';

/** Keeps the overall percentage of one run; it never goes back, and 100 is said only by `finish`. */
export interface ProgressTracker {
  started(phase: string): void;
  /** Returns false when nothing worth an event changed. */
  report(phase: string, fraction: number): boolean;
  /** Committed or reused. */
  done(phase: string): void;
  /** Not wanted in this run: it counts for nothing, so that the percentage is that of the work there is. */
  leaveOut(phase: string): void;
  finish(): void;
}

export function createTracker(options: {
  /** Upstream first. */
  readonly phases: readonly ProgressNode[];
  readonly expectation: Expectation;
  readonly concurrency: number;
  readonly monotonic: () => number;
  readonly publish: Publish;
}): ProgressTracker {
  const { phases, concurrency, monotonic, publish } = options;
  const durations = new Map(options.expectation.durations);
  const expectation: Expectation = { known: options.expectation.known, durations };
  const fractions = new Map<string, number>();
  const startedAt = new Map<string, number>();
  let shown = -1;

  const announce = (percent: number): void => {
    if (percent <= shown) return;
    shown = percent;
    const etaMs = remainingMs(
      phases,
      expectation,
      (name) => {
        const started = startedAt.get(name);
        return {
          fraction: fractions.get(name) ?? 0,
          elapsedMs: started === undefined ? undefined : monotonic() - started,
        };
      },
      concurrency,
    );
    publish('pipeline.progress', etaMs === undefined ? { percent } : { percent, etaMs });
  };
  const update = (): void => {
    // Tenths, rounded down, so that there are at most a thousand events and 100 is never said early.
    const tenths = Math.floor(percentDone(expectation, (name) => fractions.get(name) ?? 0) * 10) / 10;
    announce(Math.min(tenths, 99.9));
  };

  return {
    started: (phase) => {
      startedAt.set(phase, monotonic());
      update();
    },
    report: (phase, fraction) => {
      const before = fractions.get(phase) ?? 0;
      // The last bit belongs to hashing, flushing and saving.
      const now = Math.min(Math.max(Number.isFinite(fraction) ? fraction : 0, 0), 0.999);
      if (now - before < 0.001) return false;
      fractions.set(phase, now);
      update();
      return true;
    },
    done: (phase) => {
      fractions.set(phase, 1);
      update();
    },
    leaveOut: (phase) => {
      durations.delete(phase);
    },
    finish: () => {
      announce(100);
    },
  };
}
