import {
  FlushAccessError,
  FlushBusyError,
  FlushError,
  FlushIoError,
  FlushNoSpaceError,
  FlushNotFoundError,
  FlushReadOnlyError,
  FlushTargetError,
  FlushUnsupportedError,
  type FlushErrorFields,
  type FlushOperation,
} from './errors.ts';

/** Steps after which a failure leaves it unknown what reached the device. */
const syncing: ReadonlySet<FlushOperation> = new Set([
  'fsync',
  'fdatasync',
  'fsync-directory',
  'syncfs',
  'blkflsbuf',
]);

/** The name of a system error, such as `EIO`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Turns a system error of one step into this package's error; an error of this package passes unchanged. */
export function classifyError(cause: unknown, target: string, operation: FlushOperation): FlushError {
  if (cause instanceof FlushError) return cause;
  const errno = errnoOf(cause);
  return errorFor({ target, operation, errno, cause });
}

/** The error for an errno; the message says what happened, where, and what to do. */
export function errorFor(fields: FlushErrorFields): FlushError {
  const { target, operation, errno } = fields;
  const what = `${operation} of ${target} failed (${errno ?? describe(fields.cause)})`;
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new FlushNoSpaceError(`${what}: free space or raise the quota, then write again`, fields);
    case 'EROFS':
      return new FlushReadOnlyError(`${what}: the file system or device is read-only`, fields);
    case 'EPERM':
      // A write on an open descriptor is refused with EPERM only where the device is write-protected.
      if (operation === 'write') {
        return new FlushReadOnlyError(`${what}: the device is write-protected`, fields);
      }
      return new FlushAccessError(`${what}: permission is missing`, fields);
    case 'EACCES':
      return new FlushAccessError(`${what}: permission is missing`, fields);
    case 'ENOENT':
    case 'ENOTDIR':
      return new FlushNotFoundError(`${what}: the path does not exist`, fields);
    case 'EISDIR':
    case 'ELOOP':
    case 'EEXIST':
    case 'ENOTEMPTY':
      return new FlushTargetError(`${what}: another kind of file is in the way`, fields);
    case 'EINVAL':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'ENOSYS':
    case 'ENOTTY':
      return new FlushUnsupportedError(`${what}: the file system does not support it`, fields);
    case 'EBUSY':
    case 'EAGAIN':
    case 'EINTR':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      // During a sync the same errno leaves the state unknown, and a second sync could hide it.
      if (!syncing.has(operation)) return new FlushBusyError(`${what}: try again later`, fields);
      break;
    default:
      break;
  }
  const advice = syncing.has(operation)
    ? 'what reached the device is unknown; do not sync again, write the data again elsewhere'
    : 'check the device';
  return new FlushIoError(`${what}: ${advice}`, fields);
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
