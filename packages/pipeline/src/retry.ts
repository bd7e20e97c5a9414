import pRetry from 'p-retry';
import { toError } from './errors.ts';

/** When and how a step is tried again. */
export interface RetryPolicy {
  /** Further attempts after the first; default 3. */
  readonly retries?: number;
  /** True for errors that may go away by themselves. Everything else fails at once. */
  readonly isTransient: (error: unknown) => boolean;
  /** Wait before the first retry; default 1000. Doubled each time and multiplied by a random 1..2. */
  readonly minTimeoutMs?: number;
  /** Longest wait between two attempts; default 30 000. */
  readonly maxTimeoutMs?: number;
}

/** Options of `PhaseContext.retry`. */
export type RetryOptions = RetryPolicy;

/** Said before each wait. */
export interface RetryNotice {
  readonly error: Error;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly retriesLeft: number;
  readonly delayMs: number;
}

/**
 * Run `step` until it succeeds, fails for good, or `signal` is aborted while waiting.
 * A step that ends successfully after the abort still counts: it may be what the caller wants to keep.
 * A TypeError is a mistake in the program and is never tried again.
 */
export async function retryTransient<T>(
  step: (attempt: number) => Promise<T> | T,
  policy: RetryPolicy,
  signal: AbortSignal,
  onRetry: (notice: RetryNotice) => void,
): Promise<T> {
  // p-retry throws the abort reason in place of whatever the step did; the step's own end is kept here.
  let succeeded: { readonly value: T } | undefined;
  let failure: { readonly error: unknown } | undefined;
  try {
    await pRetry(
      async (attempt) => {
        failure = undefined;
        try {
          succeeded = { value: await step(attempt) };
        } catch (error) {
          failure = { error };
          throw error;
        }
      },
      {
        retries: policy.retries ?? 3,
        factor: 2,
        minTimeout: policy.minTimeoutMs ?? 1000,
        maxTimeout: policy.maxTimeoutMs ?? 30_000,
        randomize: true,
        signal,
        shouldRetry: ({ error, attemptNumber, retriesLeft, retryDelay }) => {
          if (!saysTransient(policy, failure === undefined ? error : failure.error)) return false;
          onRetry({
            error,
            attempt: attemptNumber,
            retriesLeft: retriesLeft - 1,
            delayMs: retryDelay,
          });
          return true;
        },
      },
    );
  } catch (error) {
    if (succeeded !== undefined) return succeeded.value;
    if (signal.aborted && failure === undefined) throw toError(signal.reason);
    throw failure === undefined ? error : toError(failure.error);
  }
  if (succeeded === undefined) throw new Error('unreachable: p-retry ended without a result');
  return succeeded.value;
}

function saysTransient(policy: RetryPolicy, error: unknown): boolean {
  try {
    return policy.isTransient(error);
  } catch {
    // A predicate that throws must not replace the error that it was asked about.
    return false;
  }
}
