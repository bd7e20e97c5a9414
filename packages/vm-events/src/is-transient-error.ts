import { QmpConnectionError, QmpTimeoutError } from './qmp/errors.ts';

/**
 * True for failures that a new attempt with a new machine may cure: a lost connection or an unanswered command.
 * A refused command, a protocol break, a passed deadline and a cancelled wait are final.
 */
export function isTransientVmEventsError(error: unknown): boolean {
  return error instanceof QmpConnectionError || error instanceof QmpTimeoutError;
}
