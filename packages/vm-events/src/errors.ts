/** Base of the errors that a wait on a virtual machine throws, so that a caller can tell them from bugs. */
export abstract class VmEventsError extends Error {
  abstract readonly code: string;
}

/** A wait ran past its deadline. `lastState` is the newest state seen, undefined when none was. */
export class VmWaitTimeoutError extends VmEventsError {
  override readonly name = 'VmWaitTimeoutError';
  readonly code = 'VM_EVENTS_WAIT_TIMEOUT';
  readonly waitedFor: string;
  readonly timeoutMs: number;
  readonly lastState: string | undefined;

  constructor(waitedFor: string, timeoutMs: number, lastState?: string) {
    super(
      `The virtual machine did not reach "${waitedFor}" within ${timeoutMs} ms` +
        (lastState === undefined ? '' : ` (its last state was "${lastState}")`) +
        '. Raise timeoutMs if the guest is only slow; otherwise read its console log.',
    );
    this.waitedFor = waitedFor;
    this.timeoutMs = timeoutMs;
    this.lastState = lastState;
  }
}

/** The caller's AbortSignal fired during a wait; `cause` is the signal's reason. */
export class VmWaitAbortedError extends VmEventsError {
  override readonly name = 'VmWaitAbortedError';
  readonly code = 'VM_EVENTS_ABORTED';
  readonly waitedFor: string;

  constructor(waitedFor: string, cause: unknown) {
    super(`Waiting for "${waitedFor}" was cancelled by the caller.`, { cause });
    this.waitedFor = waitedFor;
  }
}

/** The machine stopped, or its source ended, while another state was waited for: it can no longer come. */
export class VmGoneError extends VmEventsError {
  override readonly name = 'VmGoneError';
  readonly code = 'VM_EVENTS_GONE';
  readonly waitedFor: string;

  constructor(waitedFor: string, why: string, cause?: unknown) {
    super(`"${waitedFor}" can no longer be reached: ${why}. Look at the verdict for the reason.`, { cause });
    this.waitedFor = waitedFor;
  }
}
