import type { Registry } from '@osforge/perf';
import { buildMetrics } from '@osforge/perf/catalog';
import type { BuildEvent } from './build-event.ts';
import { buildOutcome } from './build-outcome.ts';
import { eventCounts } from './event-counts.ts';
import { PhaseClock } from './phase-clock.ts';
import { isVerifyFailure } from './verify-failure.ts';

/** Turns the events of one build into metrics. */
export interface BuildRecorder {
  /** Takes the next event; never throws. Give it every event of the bus, in order. */
  readonly event: (event: BuildEvent) => void;
  /** For a build that could not be started, so that it has no events: it has failed. */
  readonly notStarted: () => void;
}

/**
 * Defines the metrics of `@osforge/perf/catalog` for builds in a registry and records one build into them. Durations
 * are those that the events tell, or lie between the times of two events.
 *
 * @throws DuplicateMetricError where the registry has one of the names with another definition
 */
export function recordBuild(registry: Registry, buildId: string): BuildRecorder {
  const own = { build_id: buildId };
  const setOutcome = buildOutcome(registry, buildId);
  const count = eventCounts(registry, buildId);
  const started = registry.gauge(buildMetrics.started);
  const duration = registry.gauge(buildMetrics.duration);
  const progress = registry.gauge(buildMetrics.progress);
  const phaseDuration = registry.histogram(buildMetrics.phaseDuration);
  const phases = registry.counter(buildMetrics.phases);
  const retries = registry.counter(buildMetrics.retries);
  const flushedBytes = registry.counter(buildMetrics.flushedBytes);
  const imageFlush = registry.histogram(buildMetrics.imageFlushDuration);
  const vmWait = registry.histogram(buildMetrics.vmWaitDuration);
  const verdicts = registry.counter(buildMetrics.vmVerdicts);
  const checkpointWrite = registry.histogram(buildMetrics.checkpointWriteDuration).labels(own);
  const verifyFailures = registry.counter(buildMetrics.captureVerifyFailures);
  const clock = new PhaseClock();
  let startedAt: number | undefined;

  const phaseEnded = (phase: string, outcome: string, seconds: number | undefined): void => {
    phases.labels({ ...own, phase, outcome }).inc();
    if (seconds !== undefined) phaseDuration.labels({ ...own, phase, outcome }).record(seconds);
  };
  const ended = (outcome: 'completed' | 'unchanged' | 'failed' | 'cancelled', time: string): void => {
    setOutcome(outcome);
    if (startedAt !== undefined) duration.labels(own).set(Math.max(0, Date.parse(time) - startedAt) / 1000);
  };

  const event = (happened: BuildEvent): void => {
    count(happened);
    const { time } = happened;
    switch (happened.type) {
      case 'build.started':
        startedAt = Date.parse(time);
        started.labels(own).set(startedAt / 1000);
        setOutcome('running');
        return;
      case 'pipeline.progress':
        progress.labels(own).set(happened.data.percent / 100);
        return;
      case 'phase.started':
        clock.start(happened.data.phase, time);
        return;
      case 'phase.completed': {
        const { phase, durationMs, artifacts } = happened.data;
        clock.end(phase, time);
        phaseEnded(phase, 'completed', durationMs / 1000);
        const bytes = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        flushedBytes.labels({ ...own, phase }).inc(bytes);
        return;
      }
      case 'phase.reused':
        phaseEnded(happened.data.phase, 'reused', undefined);
        return;
      case 'phase.skipped':
        phaseEnded(happened.data.phase, 'skipped', undefined);
        return;
      case 'phase.failed': {
        const { phase, code } = happened.data;
        phaseEnded(phase, 'failed', clock.end(phase, time));
        if (isVerifyFailure(phase, code)) verifyFailures.labels({ ...own, code }).inc();
        return;
      }
      case 'phase.cancelled':
        phaseEnded(happened.data.phase, 'cancelled', clock.end(happened.data.phase, time));
        return;
      case 'phase.retrying':
        retries.labels({ ...own, phase: happened.data.phase }).inc();
        return;
      case 'checkpoint.saved':
        checkpointWrite.record(happened.data.durationMs / 1000);
        return;
      case 'image.flushed':
        imageFlush.labels({ ...own, format: happened.data.format }).record(happened.data.durationMs / 1000);
        return;
      case 'vm.wait': {
        const { wait, outcome, durationMs } = happened.data;
        vmWait.labels({ ...own, wait, outcome }).record(durationMs / 1000);
        return;
      }
      case 'vm.verdict':
        verdicts.labels({ ...own, verdict: happened.data.kind }).inc();
        return;
      case 'build.completed':
        ended(happened.data.unchanged ? 'unchanged' : 'completed', time);
        return;
      case 'build.failed':
        ended('failed', time);
        return;
      case 'build.cancelled':
        ended('cancelled', time);
        return;
      default:
    }
  };
  return {
    event,
    notStarted: () => {
      setOutcome('failed');
    },
  };
}
