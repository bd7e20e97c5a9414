import { exitCode, type ExitCode } from '../exit-code.ts';
import type { Host } from './host.ts';

/**
 * Runs work that keeps nothing when it is stopped: the first SIGINT, SIGTERM or SIGHUP cancels it, and the exit code
 * is 130; the second ends the process there and then.
 */
export async function untilStopped(
  host: Pick<Host, 'onStopSignal' | 'exit' | 'stderr'>,
  work: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const control = new AbortController();
  const release = host.onStopSignal((signal) => {
    if (control.signal.aborted) host.exit(exitCode.cancelled);
    else control.abort(new Error(`stopped by ${signal}`));
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
