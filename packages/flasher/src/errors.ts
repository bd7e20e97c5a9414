/** What every error of this package has in common: plain `fields`, so that it can travel between processes. */
export abstract class FlasherError<Fields extends object = object> extends Error {
  abstract readonly code: string;
  readonly fields: Readonly<Fields>;
  constructor(message: string, fields: Fields, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.fields = fields;
  }
}

/** Why a target is refused before anything is written to it. */
export type TargetProblemKind =
  | 'missing'
  | 'not-a-disk'
  | 'partition'
  | 'system'
  | 'mounted'
  | 'swap'
  | 'held'
  | 'backing-file'
  | 'holds-source'
  | 'duplicate'
  | 'read-only'
  | 'too-small'
  | 'sector-size'
  | 'unreadable';

/** One reason, with words for a person. */
export interface TargetProblem {
  readonly kind: TargetProblemKind;
  readonly detail: string;
}

/** The target must not be written to: mounted, system, read-only, too small, of other sectors, a partition, or no disk at all. */
export class TargetRefusedError extends FlasherError<{
  readonly path: string;
  readonly problems: readonly TargetProblem[];
}> {
  override readonly name = 'TargetRefusedError';
  readonly code = 'FLASHER_TARGET_REFUSED';
}

/** The opened device is not the one that was selected; `differences` names what differs. Nothing was written. */
export class TargetChangedError extends FlasherError<{
  readonly path: string;
  readonly differences: readonly {
    readonly field: string;
    readonly selected: string;
    readonly opened: string;
  }[];
}> {
  override readonly name = 'TargetChangedError';
  readonly code = 'FLASHER_TARGET_CHANGED';
}

/** Something else holds the target open exclusively: another flash, a mount, an assembled array. */
export class TargetBusyError extends FlasherError<{ readonly path: string }> {
  override readonly name = 'TargetBusyError';
  readonly code = 'FLASHER_TARGET_BUSY';
}

/** The device failed a read, a write or a flush. `offsetBytes` is where the operation began; undefined for a flush. */
export class TargetIoError extends FlasherError<{
  readonly path: string;
  readonly operation: string;
  readonly errno: string | undefined;
  readonly offsetBytes: number | undefined;
}> {
  override readonly name = 'TargetIoError';
  readonly code = 'FLASHER_TARGET_IO';
}

/** The device is gone, or another one has its name now. Plug it in again and flash again: a journal lets it resume. */
export class TargetVanishedError extends FlasherError<{
  readonly path: string;
  readonly operation: string;
  readonly offsetBytes: number | undefined;
}> {
  override readonly name = 'TargetVanishedError';
  readonly code = 'FLASHER_TARGET_VANISHED';
}

/** No space is left in the file system of a file target, or the image reaches beyond the end of the device. */
export class TargetFullError extends FlasherError<{
  readonly path: string;
  readonly offsetBytes: number | undefined;
}> {
  override readonly name = 'TargetFullError';
  readonly code = 'FLASHER_TARGET_FULL';
}

/** The device gave back something else than was written, also after the range was written a second time. */
export class TargetVerifyError extends FlasherError<{
  readonly path: string;
  /** The first byte that differs. */
  readonly offsetBytes: number;
  readonly rangeStartBytes: number;
  readonly rangeLengthBytes: number;
  readonly expectedSha256: string;
  readonly actualSha256: string;
}> {
  override readonly name = 'TargetVerifyError';
  readonly code = 'FLASHER_VERIFY';
}

/** The device says that it is larger than what it can hold. */
export class TargetCapacityError extends FlasherError<{
  readonly path: string;
  readonly claimedBytes: number;
  /** The last sample that was right; the capacity is at least about this. */
  readonly goodUpToBytes: number;
  /** The first sample that was wrong. */
  readonly badAtBytes: number;
}> {
  override readonly name = 'TargetCapacityError';
  readonly code = 'FLASHER_CAPACITY';
}

/** One operation of a device, or the wait for something, took longer than its deadline. */
export class FlashTimeoutError extends FlasherError<{
  readonly what: string;
  readonly timeoutMs: number;
}> {
  override readonly name = 'FlashTimeoutError';
  readonly code = 'FLASHER_TIMEOUT';
}

/** The flash, or this target of it, was cancelled. */
export class FlashCancelledError extends FlasherError<{ readonly path: string | undefined }> {
  override readonly name = 'FlashCancelledError';
  readonly code = 'FLASHER_CANCELLED';
}

/** The image cannot be read, is damaged, or is not the one whose digest was given. */
export class FlashSourceError extends FlasherError<{
  readonly path: string;
  readonly reason: 'missing' | 'damaged' | 'changed' | 'format' | 'io';
}> {
  override readonly name = 'FlashSourceError';
  readonly code = 'FLASHER_SOURCE';
}

/** An option makes no sense. Nothing was opened. */
export class FlashOptionError extends FlasherError<{ readonly option: string }> {
  override readonly name = 'FlashOptionError';
  readonly code = 'FLASHER_OPTION';
}

/** The process that does the input and output has ended before its time. */
export class FlashEngineError extends FlasherError<{ readonly lastLines: readonly string[] }> {
  override readonly name = 'FlashEngineError';
  readonly code = 'FLASHER_ENGINE';
}

/** A receipt cannot be read or kept, or its signature is not that of the key. */
export class ReceiptError extends FlasherError<{ readonly reason: 'signature' | 'format' | 'write' }> {
  override readonly name = 'ReceiptError';
  readonly code = 'FLASHER_RECEIPT';
}

/** True if the same call may succeed later without a change of its arguments: busy, vanished, timed out. */
export function isTransientFlasherError(error: unknown): boolean {
  return (
    error instanceof TargetBusyError ||
    error instanceof TargetVanishedError ||
    error instanceof FlashTimeoutError
  );
}

/** The system's error name such as `EIO`; undefined if there is none. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
