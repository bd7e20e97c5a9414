import { cleanUp, disposeLive, uncommittedEntries } from './clean-up.ts';
import { PipelineCancelledError, messageOf, toError } from './errors.ts';
import { failure } from './phase-context.ts';
import type { FailureQuestion, PipelineResult, RunPipelineOptions } from './run-options.ts';
import type { RunState } from './run-state.ts';
import type { ScheduleEnd } from './schedule.ts';

/**
 * Dispose of what is live, clean up when that is wanted, say how the run ended, and return it. What goes wrong
 * here is reported beside the run's own error and never in its place.
 */
export async function concludeRun(
  state: RunState,
  options: RunPipelineOptions,
  end: ScheduleEnd,
  startedAt: number,
): Promise<PipelineResult> {
  const { publish, stop, ran, reused, skipped } = state;
  const verdict = verdictOf(state, options, end);
  const problems = [
    ...(await disposeLive(
      state,
      verdict.outcome === 'failed' || verdict.outcome === 'cancelled' ? verdict.outcome : 'completed',
      options.disposeTimeoutMs ?? 10_000,
    )),
  ];
  if (verdict.outcome === 'failed')
    problems.push(...(await cleanAfterFailure(state, options, verdict.error)));
  // A record that is being renamed into place right now belongs to this run, even when it ends at once.
  await Promise.allSettled(state.saving);

  const durationMs = Math.max(0, state.monotonic() - startedAt);
  switch (verdict.outcome) {
    case 'completed':
    case 'unchanged':
      state.tracker.finish();
      publish('pipeline.completed', {
        durationMs,
        unchanged: verdict.outcome === 'unchanged',
        ran: [...ran],
        reused: [...reused],
        skipped: [...skipped],
      });
      break;
    case 'failed': {
      const phase = end.failures[0]?.phase;
      publish('pipeline.failed', {
        durationMs,
        ...(phase === undefined ? {} : { phase }),
        ...failure(verdict.error),
      });
      break;
    }
    case 'cancelled':
      publish('pipeline.cancelled', {
        durationMs,
        latePhases: [...end.late],
        message: verdict.error.message,
      });
  }
  stop.close();
  const error = 'error' in verdict ? verdict.error : undefined;
  return {
    outcome: verdict.outcome,
    durationMs,
    ran,
    reused,
    skipped,
    ...(error === undefined ? {} : { error }),
    alsoFailed: end.failures.filter((other) => other !== error),
    latePhases: end.late,
    ...(problems.length === 0
      ? {}
      : { cleanUpError: new AggregateError(problems, `clean-up: ${problems.map(messageOf).join('; ')}`) }),
    record: state.checkpoint.record,
  };
}

type Verdict =
  | { readonly outcome: 'completed' | 'unchanged' }
  | { readonly outcome: 'failed' | 'cancelled'; readonly error: Error };

function verdictOf(state: RunState, options: RunPipelineOptions, end: ScheduleEnd): Verdict {
  // A cancel that came when everything was done, or nearly, has cancelled nothing.
  if (end.complete) return { outcome: state.ran.length === 0 ? 'unchanged' : 'completed' };
  if (state.stop.kind === 'cancelled') {
    const waitedMs = state.stop.atOnce.aborted ? undefined : (options.cancelTimeoutMs ?? 5000);
    return {
      outcome: 'cancelled',
      error: new PipelineCancelledError(end.late, waitedMs, state.stop.signal.reason),
    };
  }
  return {
    outcome: 'failed',
    error: end.error ?? end.failures[0] ?? new Error('the run stopped before every phase was done'),
  };
}

async function cleanAfterFailure(
  state: RunState,
  options: RunPipelineOptions,
  error: Error,
): Promise<readonly Error[]> {
  const entries = uncommittedEntries(state);
  const onError = options.onError ?? 'keep';
  if (entries.length === 0 || onError === 'keep') return [];
  if (onError === 'ask') {
    try {
      if ((await answer(options, { error, entries })) !== 'cleanup') return [];
    } catch (problem) {
      // No answer: nothing is deleted.
      return [toError(problem)];
    }
  }
  return cleanUp(state, entries, options.handlers ?? {}, options.cleanUpTimeoutMs ?? 60_000);
}

/** What `ask` says; `keep` without it, and when the run is cancelled before there is an answer. */
async function answer(
  options: RunPipelineOptions,
  question: Pick<FailureQuestion, 'error' | 'entries'>,
): Promise<'cleanup' | 'keep'> {
  const cancel = [options.signal, options.abortNow].filter((signal) => signal !== undefined);
  if (options.ask === undefined || cancel.some(({ aborted }) => aborted)) return 'keep';
  const waiting = new AbortController();
  let onCancel = (): void => {};
  const cancelled = new Promise<'keep'>((resolve) => {
    onCancel = () => {
      waiting.abort();
      resolve('keep');
    };
    for (const signal of cancel) signal.addEventListener('abort', onCancel, { once: true });
  });
  try {
    return await Promise.race([options.ask({ ...question, signal: waiting.signal }), cancelled]);
  } finally {
    for (const signal of cancel) signal.removeEventListener('abort', onCancel);
  }
}
