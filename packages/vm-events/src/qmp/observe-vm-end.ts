import { armDeadline, END_SETTLES_MS, within, type WaitOptions } from '../deadline.ts';
import { VmWaitAbortedError } from '../errors.ts';
import type { VmEndEvidence, VmIoError } from '../evidence.ts';
import type { QmpClient } from './client.ts';
import type { QmpEvent, QmpObject } from './message.ts';

/** The end of a process as `@osforge/process` reports it; more fields do no harm. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ObserveVmEndOptions extends WaitOptions {
  readonly qmp: Pick<QmpClient, 'history$' | 'ended'>;
  readonly exited: Promise<ProcessEnd>;
  /** How long after the process's end its QMP connection may still be open. Default 5000 ms. */
  readonly settleMs?: number;
}

type Found = { -readonly [K in keyof VmEndEvidence]: VmEndEvidence[K] };

/**
 * Collects what can be known about a machine's end. Resolves when the process has ended and QMP is at its end; at once
 * when an I/O error paused the guest for good (nothing more comes); at the deadline with `timedOut`. Events from before
 * the call count. Never polls; does not touch the machine.
 * @throws VmWaitAbortedError
 */
export function observeVmEnd(options: ObserveVmEndOptions): Promise<VmEndEvidence> {
  const { qmp, exited, settleMs = END_SETTLES_MS } = options;
  return new Promise((resolve, reject) => {
    const found: Found = { qmpEof: false, timedOut: false };
    let done = false;
    const finish = (error?: Error): void => {
      if (done) return;
      done = true;
      disarm();
      // Later, because a replayed event may bring us here from inside the subscribe() that makes it.
      queueMicrotask(() => {
        subscription.unsubscribe();
      });
      if (error === undefined) resolve(found);
      else reject(error);
    };
    const disarm = armDeadline(options, {
      onTimeout: () => {
        found.timedOut = true;
        finish();
      },
      onAbort: (reason) => {
        finish(new VmWaitAbortedError('the end of the machine', reason));
      },
    });
    const subscription = qmp.history$.subscribe((event) => {
      if (done) return;
      note(found, event);
      if (found.ioError?.action === 'stop') finish();
    });
    const qmpEnded = qmp.ended.then(({ reason }) => {
      if (!done) found.qmpEof = reason === 'eof';
    });
    exited.then(
      ({ code, signal }) => {
        if (!done) found.exit = { code, signal };
        void within(settleMs, qmpEnded).then(() => {
          finish();
        });
      },
      () => {
        // How it ended is not known: no `exit` in the evidence, so the verdict cannot be clean.
        finish();
      },
    );
  });
}

function text(data: QmpObject, name: string): string {
  const value = data[name];
  return typeof value === 'string' ? value : '';
}

/** Resets that are part of a start, of loading a state, or of no interest to a verdict. */
const HARMLESS_RESETS = new Set(['', 'none', 'snapshot-load', 'subsystem-reset']);

function note(found: Found, { event, data, timeMs }: QmpEvent): void {
  switch (event) {
    case 'SHUTDOWN':
      found.shutdownReason ??=
        text(data, 'reason') || (data['guest'] === true ? 'guest-shutdown' : 'unknown');
      if (timeMs !== undefined) found.shutdownAtMs ??= timeMs;
      return;
    case 'GUEST_PANICKED':
      found.panic ??= data['info'] ?? {};
      return;
    case 'RESET': {
      const reason = text(data, 'reason') || (data['guest'] === true ? 'guest-reset' : '');
      if (!HARMLESS_RESETS.has(reason)) found.resetReason ??= reason;
      return;
    }
    case 'BLOCK_IO_ERROR': {
      const error = ioErrorOf(data);
      // A later error that stops the guest says more than an earlier one that was only reported.
      if (found.ioError === undefined || (error.action === 'stop' && found.ioError.action !== 'stop')) {
        found.ioError = error;
      }
      return;
    }
    default:
      return;
  }
}

function ioErrorOf(data: QmpObject): VmIoError {
  return {
    device: text(data, 'node-name') || text(data, 'device'),
    operation: text(data, 'operation') || 'request',
    action: text(data, 'action'),
    noSpace: data['nospace'] === true,
    reason: text(data, 'reason'),
  };
}
