/** Nobody can be asked whether targets may be overwritten. Nothing has been started. */
export class UsbNotConfirmedError extends Error {
  readonly code = 'USB_NOT_CONFIRMED';
  readonly targets: readonly string[];
  constructor(targets: readonly string[]) {
    super(
      `the recipe's usb targets (${targets.join(', ')}) would be overwritten, and nobody confirms that: ` +
        'build on a terminal to be asked, or look at the targets and add --yes; nothing was started',
    );
    this.name = 'UsbNotConfirmedError';
    this.targets = targets;
  }
}

/** A person did not confirm what would be overwritten. Nothing has been started. */
export class UsbDeclinedError extends Error {
  readonly code = 'USB_DECLINED';
  constructor() {
    super('the usb targets were not confirmed; nothing was started');
    this.name = 'UsbDeclinedError';
  }
}

/** How one target failed. */
export interface UsbFailure {
  /** As the recipe names it. */
  readonly target: string;
  /** Of `@osforge/flasher`. */
  readonly code: string;
  readonly message: string;
}

/** Not all targets could be written. Those that are complete have their receipts; the next run writes the others. */
export class UsbWriteError extends Error {
  readonly code = 'USB_WRITE_FAILED';
  readonly failures: readonly UsbFailure[];
  /** As the recipe names them. */
  readonly complete: readonly string[];
  constructor(failures: readonly UsbFailure[], complete: readonly string[], options?: ErrorOptions) {
    const lines = failures.map(({ target, message }) => `\n  ${target}: ${message}`).join('');
    const kept = complete.length === 0 ? '' : `\ncomplete, and not written again: ${complete.join(', ')}`;
    super(
      `${failures.length} of ${failures.length + complete.length} usb targets could not be written:${lines}${kept}`,
      options,
    );
    this.name = 'UsbWriteError';
    this.failures = failures;
    this.complete = complete;
  }
}
