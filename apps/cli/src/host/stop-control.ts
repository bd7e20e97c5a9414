import type { Host, StopSignal } from './host.ts';

/** How the user's wish to stop reaches a build. */
export interface StopControl {
  /** Stop at the next safe point. */
  readonly signal: AbortSignal;
  /** Stop at once. */
  readonly abortNow: AbortSignal;
  /** Gives the signals back. */
  readonly close: () => void;
}

/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm, Nx or timeout(1). Real second ones come later. */
export const samePressMs = 250;
/** Of the 5 s that a stop may take, what phases get to reach a safe point; the rest is for the guest. */
const graceMs = 4000;
/** After this long the process ends whatever is left; guests and tools end with it. */
const lastResortMs = 6000;

/**
 * The first SIGINT, SIGTERM or SIGHUP stops at the next safe point; another SIGINT stops at once, a third ends the
 * process there and then.
 */
export function createStopControl(
  host: Pick<Host, 'now' | 'onStopSignal' | 'exit'>,
  note: (text: string) => void,
  cancelledExitCode = 130,
): StopControl {
  const gentle = new AbortController();
  const now = new AbortController();
  let lastAt: number | undefined;
  let grace: NodeJS.Timeout | undefined;
  let lastResort: NodeJS.Timeout | undefined;

  const atOnce = (why: string): void => {
    if (now.signal.aborted) return;
    clearTimeout(grace);
    note(why);
    now.abort(new Error(why));
    lastResort = setTimeout(() => {
      host.exit(cancelledExitCode);
    }, lastResortMs);
  };
  const onSignal = (signal: StopSignal): void => {
    const at = host.now();
    const again = lastAt !== undefined && at - lastAt >= samePressMs;
    if (lastAt === undefined) {
      lastAt = at;
      note(
        signal === 'SIGINT'
          ? 'Stopping at the next safe point, within 5 s; what is finished is kept. Ctrl-C again stops at once.'
          : `Stopping at the next safe point, within 5 s (${signal}); what is finished is kept.`,
      );
      grace = setTimeout(() => {
        atOnce('Stopping now: the running step did not come to a safe point in time.');
      }, graceMs);
      gentle.abort(new Error(`stopped by ${signal}`));
    } else if (signal === 'SIGINT' && again) {
      lastAt = at;
      if (now.signal.aborted) host.exit(cancelledExitCode);
      else atOnce('Stopping at once.');
    }
  };
  const release = host.onStopSignal(onSignal);
  return {
    signal: gentle.signal,
    abortNow: now.signal,
    close: () => {
      clearTimeout(grace);
      clearTimeout(lastResort);
      release();
    },
  };
}
