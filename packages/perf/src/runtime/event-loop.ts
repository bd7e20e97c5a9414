import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { RuntimePart, RuntimeScope } from './runtime-part.ts';

/** How often the delay is sampled, in ms; what node measures includes it. */
const RESOLUTION_MS = 10;

/** Delay and utilization of the event loop since the last scrape. */
export function eventLoopPart(scope: RuntimeScope): RuntimePart {
  const lag = scope.gauge('nodejs_eventloop_lag_seconds', 'Delay of an immediate callback at the scrape.');
  const figures = {
    min: scope.gauge(
      'nodejs_eventloop_lag_min_seconds',
      'Smallest delay of the event loop since the last scrape.',
    ),
    max: scope.gauge(
      'nodejs_eventloop_lag_max_seconds',
      'Largest delay of the event loop since the last scrape.',
    ),
    mean: scope.gauge(
      'nodejs_eventloop_lag_mean_seconds',
      'Mean delay of the event loop since the last scrape.',
    ),
    stddev: scope.gauge(
      'nodejs_eventloop_lag_stddev_seconds',
      'Spread of the delay of the event loop since the last scrape.',
    ),
    p50: scope.gauge(
      'nodejs_eventloop_lag_p50_seconds',
      'Median delay of the event loop since the last scrape.',
    ),
    p90: scope.gauge(
      'nodejs_eventloop_lag_p90_seconds',
      '90th percentile of the delay of the event loop since the last scrape.',
    ),
    p99: scope.gauge(
      'nodejs_eventloop_lag_p99_seconds',
      '99th percentile of the delay of the event loop since the last scrape.',
    ),
  };
  const utilization = scope.gauge(
    'nodejs_eventloop_utilization_ratio',
    'Part of the time since the last scrape in which the event loop was busy.',
  );
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return {
    async collect() {
      const asked = performance.now();
      await setImmediate();
      lag.set((performance.now() - asked) / 1000);
      if (delay.count > 0) {
        const { min, max, mean, stddev } = delay;
        figures.min.set(excessSeconds(min));
        figures.max.set(excessSeconds(max));
        figures.mean.set(excessSeconds(mean));
        figures.stddev.set(stddev / 1e9);
        figures.p50.set(excessSeconds(delay.percentile(50)));
        figures.p90.set(excessSeconds(delay.percentile(90)));
        figures.p99.set(excessSeconds(delay.percentile(99)));
        delay.reset();
      }
      const now = performance.eventLoopUtilization();
      utilization.set(performance.eventLoopUtilization(now, last).utilization);
      last = now;
    },
    stop() {
      delay.disable();
    },
  };
}

/** Node records the time between two samples, which an idle loop makes as long as the resolution. */
function excessSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}
