import {
  errnoOf,
  FlasherError,
  TargetBusyError,
  TargetFullError,
  TargetIoError,
  TargetRefusedError,
  TargetVanishedError,
} from '../errors.ts';

/** Of the kernel: the device, its medium, or the server of its file system is gone. */
const gone = new Set([
  'ENODEV',
  'ENXIO',
  'ENOMEDIUM',
  'ENOTCONN',
  'ECONNABORTED',
  'ESHUTDOWN',
  'ESTALE',
  'ENOENT',
]);
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const forbidden = new Set(['EROFS', 'EACCES', 'EPERM']);

export interface FailedOperation {
  readonly path: string;
  readonly operation: 'open' | 'read' | 'write' | 'sync' | 'discard' | 'close';
  readonly offsetBytes?: number | undefined;
}

/** The error of this package for an error of the system. */
export function classifyTargetError(error: unknown, failed: FailedOperation): FlasherError {
  // The type parameter of an error that is at hand cannot be known.
  if (error instanceof FlasherError) return error as FlasherError;
  const { path, operation, offsetBytes } = failed;
  const errno = errnoOf(error);
  const where = offsetBytes === undefined ? path : `${path} at byte ${offsetBytes}`;
  const options = { cause: error };
  if (errno === 'EBUSY') {
    const message = `${path} is in use by something else: unmount it, or end the other flash`;
    return new TargetBusyError(message, { path }, options);
  }
  if (errno !== undefined && gone.has(errno)) {
    const message = `${where} is gone (${errno} on ${operation}): plug it in again and flash again`;
    return new TargetVanishedError(message, { path, operation, offsetBytes }, options);
  }
  if (errno !== undefined && full.has(errno)) {
    const message = `${where}: no space is left (${errno}): free some, or take a larger target`;
    return new TargetFullError(message, { path, offsetBytes }, options);
  }
  if (operation === 'open' && errno !== undefined && forbidden.has(errno)) {
    const detail =
      errno === 'EROFS' ? 'it is write-protected' : `it may not be opened (${errno}): run as root`;
    const problems = [{ kind: errno === 'EROFS' ? 'read-only' : 'unreadable', detail } as const];
    return new TargetRefusedError(`${path} is refused: ${detail}`, { path, problems }, options);
  }
  const message = `${where}: ${operation} failed (${errno ?? String(error)}): the device or its cable is bad`;
  return new TargetIoError(message, { path, operation, errno, offsetBytes }, options);
}
