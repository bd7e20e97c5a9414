import { ProgramFailedError } from '@osforge/process';
import { ImageForeignError, isImageFormatError, LimitError, NbdError } from '../errors.ts';

/** One thing that was looked at. A `note` is worth knowing and no failure. */
export interface VerifyCheck {
  readonly name: string;
  readonly status: 'ok' | 'failed' | 'note';
  /** What was found, with the place where it does not hold. */
  readonly detail: string;
  /** The option to raise, where a check failed as a limit was reached; it is named in `detail`. */
  readonly limit?: string;
}

/** What a step found. Damage is a check that failed, and what was found before it counts all the same. */
export async function guarded(
  name: string,
  step: (add: (...checks: VerifyCheck[]) => void) => Promise<void>,
): Promise<VerifyCheck[]> {
  const checks: VerifyCheck[] = [];
  try {
    await step((...found) => checks.push(...found));
  } catch (error) {
    if (error instanceof ImageForeignError)
      checks.push({ name: error.format, status: 'note', detail: error.message });
    else if (isDamage(error)) {
      const limit = error instanceof LimitError ? { limit: error.limit } : {};
      checks.push({ name, status: 'failed', detail: error.message, ...limit });
    } else throw error;
  }
  return checks;
}

function isDamage(error: unknown): error is Error {
  return isImageFormatError(error) || error instanceof NbdError || error instanceof ProgramFailedError;
}
