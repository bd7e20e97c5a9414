import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from './host.ts';
import { samePressMs } from './stop-control.ts';

/**
 * Runs work that keeps nothing when it is stopped: the first SIGINT, SIGTERM or SIGHUP cancels it, and the exit code
 * is 130; the second ends the process there and then, unless it is the first that arrived twice.
 */
export async function untilStopped(
  host: Pick<Host, 'onStopSignal' | 'exit' | 'stderr' | 'now'>,
  work: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const control = new AbortController();
  let firstAt: number | undefined;
  const release = host.onStopSignal((signal) => {
    const at = host.now();
    if (firstAt === undefined) {
      firstAt = at;
      control.abort(new Error(`stopped by ${signal}`));
    } else if (at - firstAt >= samePressMs) host.exit(exitCode.cancelled);
  });
  try {
    return await work(control.signal);
  } catch (error) {
    if (!control.signal.aborted) throw error;
    host.stderr.write('Cancelled.\n');
    return exitCode.cancelled;
  } finally {
    release();
  }
}
