import * as errors from '../errors.ts';

/** An error as it travels between processes. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly fields: object;
}

type ErrorClass = new (message: string, fields: never) => errors.FlasherError;

const classes: Readonly<Record<string, ErrorClass>> = {
  FLASHER_TARGET_REFUSED: errors.TargetRefusedError,
  FLASHER_TARGET_CHANGED: errors.TargetChangedError,
  FLASHER_TARGET_BUSY: errors.TargetBusyError,
  FLASHER_TARGET_IO: errors.TargetIoError,
  FLASHER_TARGET_VANISHED: errors.TargetVanishedError,
  FLASHER_TARGET_FULL: errors.TargetFullError,
  FLASHER_VERIFY: errors.TargetVerifyError,
  FLASHER_CAPACITY: errors.TargetCapacityError,
  FLASHER_TIMEOUT: errors.FlashTimeoutError,
  FLASHER_CANCELLED: errors.FlashCancelledError,
  FLASHER_SOURCE: errors.FlashSourceError,
  FLASHER_OPTION: errors.FlashOptionError,
};

export function toWire(error: unknown): WireError {
  if (error instanceof errors.FlasherError)
    return { code: error.code, message: error.message, fields: error.fields };
  const message = error instanceof Error ? error.message : String(error);
  return { code: errors.errnoOf(error) ?? 'UNKNOWN', message, fields: {} };
}

export function errorFromWire({ code, message, fields }: WireError): errors.FlasherError {
  const Class = classes[code];
  if (Class === undefined) return new errors.FlashEngineError(`${message} (${code})`, { lastLines: [] });
  // The class and its fields left the other process together.
  return new Class(message, fields as never);
}
