/** The step that failed. `fsync` and later steps leave the state of the data on the device unknown. */
export type FlushOperation =
  | 'open'
  | 'stat'
  | 'read'
  | 'write'
  | 'chmod'
  | 'chown'
  | 'fsync'
  | 'fdatasync'
  | 'close'
  | 'rename'
  | 'unlink'
  | 'readdir'
  | 'open-directory'
  | 'fsync-directory'
  | 'syncfs'
  | 'blkflsbuf'
  | 'read-back';

export interface FlushErrorFields {
  /** Path of the file, folder or device. */
  target: string;
  operation: FlushOperation;
  /** Name of the system's error, such as `EIO`; undefined where no system call failed. */
  errno?: string | undefined;
  cause?: unknown;
}

/** What all errors of this package share; catch the subclasses, or switch on `code`. */
export abstract class FlushError extends Error {
  abstract readonly code: string;
  readonly target: string;
  readonly operation: FlushOperation;
  readonly errno: string | undefined;

  constructor(message: string, fields: FlushErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.target = fields.target;
    this.operation = fields.operation;
    this.errno = fields.errno;
  }
}

/** The device or file system failed. After `fsync` the written pages may already be dropped: write again. */
export class FlushIoError extends FlushError {
  readonly code = 'FLUSH_IO';
}

/** No space (ENOSPC), no quota (EDQUOT), or the file would be too large (EFBIG). */
export class FlushNoSpaceError extends FlushError {
  readonly code = 'FLUSH_NO_SPACE';
}

/** A read-only file system or a write-protected device. */
export class FlushReadOnlyError extends FlushError {
  readonly code = 'FLUSH_READ_ONLY';
}

/** What the device gave back is not what was written. */
export class FlushVerifyError extends FlushError {
  readonly code = 'FLUSH_VERIFY';
  readonly expected: string;
  readonly actual: string;

  constructor(message: string, fields: FlushErrorFields & { expected: string; actual: string }) {
    super(message, fields);
    this.expected = fields.expected;
    this.actual = fields.actual;
  }
}

/** This platform, file system or device cannot do what was asked; nothing is claimed in its place. */
export class FlushUnsupportedError extends FlushError {
  readonly code = 'FLUSH_UNSUPPORTED';
}

/** The path does not exist. */
export class FlushNotFoundError extends FlushError {
  readonly code = 'FLUSH_NOT_FOUND';
}

/** Permission is missing. */
export class FlushAccessError extends FlushError {
  readonly code = 'FLUSH_ACCESS';
}

/** The path is a kind of file that this call refuses: a link, folder, device, FIFO or socket. */
export class FlushTargetError extends FlushError {
  readonly code = 'FLUSH_TARGET';
}

/** Somebody else holds the device, or a limit is reached for now, before anything was flushed. */
export class FlushBusyError extends FlushError {
  readonly code = 'FLUSH_BUSY';
}

/** The deadline passed. The kernel may still be writing: the state is unknown, so it is not transient. */
export class FlushTimeoutError extends FlushError {
  readonly code = 'FLUSH_TIMEOUT';
}

/** The signal was aborted; `cause` is its reason. */
export class FlushCancelledError extends FlushError {
  readonly code = 'FLUSH_CANCELLED';
}

/**
 * Whether the same call may succeed if it is simply made again. Only {@link FlushBusyError} is: a full disk
 * needs space, and an fsync that failed or timed out must never be repeated, because the kernel reports the
 * error once and then calls the lost pages clean.
 */
export function isTransientFlushError(error: unknown): boolean {
  return error instanceof FlushBusyError;
}
