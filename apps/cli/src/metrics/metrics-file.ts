import type { MetricSource } from '@osforge/perf';
import { writeMetricsFile } from '@osforge/perf';
import { UsageError } from '../errors/usage-error.ts';

/** The file of metrics that `--metrics-file` asks for. */
export interface MetricsFile {
  /** Writes it anew, soon. What is asked for while it is being written is one more writing. */
  readonly update: () => void;
  /** Resolves when it says what the metrics say now. What could not be written has been told to `onError`. */
  readonly close: () => Promise<void>;
}

/** A build must not hang at its end because of a disk that does not answer. */
const collectTimeoutMs = 2000;

/**
 * Writes it for the first time.
 * @throws UsageError where it cannot be written
 */
export async function openMetricsFile(
  source: MetricSource,
  file: string,
  onError: (message: string) => void,
): Promise<MetricsFile> {
  const write = (): Promise<void> => writeMetricsFile(source, file, { timeoutMs: collectTimeoutMs });
  await write().catch((error: unknown) => {
    throw new UsageError(`--metrics-file: ${messageOf(error)}`, { cause: error });
  });
  let failed = false;
  let stale = false;
  let writing: Promise<void> | undefined;
  const writeWhileStale = async (): Promise<void> => {
    while (stale) {
      stale = false;
      try {
        await write();
        failed = false;
      } catch (error) {
        // Once for each time that it breaks: a disk that is full stays so for a while.
        if (!failed) onError(`--metrics-file: ${messageOf(error)} The build goes on.`);
        failed = true;
      }
    }
    writing = undefined;
  };
  const update = (): Promise<void> => {
    stale = true;
    return (writing ??= writeWhileStale());
  };
  return {
    update: () => {
      void update();
    },
    close: update,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
