import { VmEventsError } from '../errors.ts';

/** QEMU refused a command. `errorClass` and `desc` are QEMU's own words. */
export class QmpCommandError extends VmEventsError {
  override readonly name = 'QmpCommandError';
  readonly code = 'VM_EVENTS_QMP_COMMAND';
  /** QMP's error class: `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
  readonly class: string;
  readonly desc: string;
  readonly command: string;

  constructor(command: string, errorClass: string, desc: string) {
    super(`QEMU refused the QMP command "${command}": ${desc} (${errorClass}).`);
    this.class = errorClass;
    this.desc = desc;
    this.command = command;
  }
}

/** The connection ended before a command was answered, or the command was sent after its end. */
export class QmpConnectionError extends VmEventsError {
  override readonly name = 'QmpConnectionError';
  readonly code = 'VM_EVENTS_QMP_CONNECTION';

  constructor(doing: string, why: string, cause?: unknown) {
    super(`The QMP connection was lost while ${doing}: ${why}.`, { cause });
  }
}

/** The peer sent something that is not QMP. The connection is ended: a lost line may have been the verdict. */
export class QmpProtocolError extends VmEventsError {
  override readonly name: string = 'QmpProtocolError';
  readonly code: string = 'VM_EVENTS_QMP_PROTOCOL';
  /** The first 200 characters of the offending line. */
  readonly excerpt: string;

  constructor(what: string, excerpt: string, cause?: unknown) {
    super(`The QMP peer broke the protocol: ${what}. Is this socket really QEMU's monitor in control mode?`, {
      cause,
    });
    this.excerpt = excerpt.slice(0, 200);
  }
}

/** A line grew past `maxLineBytes` without an end. What was read of it was thrown away. */
export class QmpLineTooLongError extends QmpProtocolError {
  override readonly name = 'QmpLineTooLongError';
  override readonly code = 'VM_EVENTS_QMP_LINE_TOO_LONG';
  readonly maxLineBytes: number;

  constructor(maxLineBytes: number, excerpt: string) {
    super(`a line is longer than ${maxLineBytes} bytes`, excerpt);
    this.maxLineBytes = maxLineBytes;
  }
}

/** A command was not answered within its deadline. A reply that comes later is dropped. */
export class QmpTimeoutError extends VmEventsError {
  override readonly name = 'QmpTimeoutError';
  readonly code = 'VM_EVENTS_QMP_TIMEOUT';
  readonly command: string;
  readonly timeoutMs: number;

  constructor(command: string, timeoutMs: number) {
    super(`QEMU did not answer "${command}" within ${timeoutMs} ms. Its main loop may hang.`);
    this.command = command;
    this.timeoutMs = timeoutMs;
  }
}

/** The caller's AbortSignal fired while a command waited for its answer. QEMU may still carry it out. */
export class QmpAbortedError extends VmEventsError {
  override readonly name = 'QmpAbortedError';
  readonly code = 'VM_EVENTS_QMP_ABORTED';
  readonly command: string;

  constructor(command: string, cause: unknown) {
    super(`The QMP command "${command}" was cancelled by the caller.`, { cause });
    this.command = command;
  }
}
