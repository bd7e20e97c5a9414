import type { SecretReference } from './secret-reference.ts';

/** The variable or file of a reference is not there, or is empty. */
export class SecretMissingError extends Error {
  override readonly name = 'SecretMissingError';
  readonly code = 'SECRET_MISSING';
  readonly reference: SecretReference;

  constructor(reference: SecretReference, reason: string, options?: ErrorOptions) {
    super(`The secret ${reference} cannot be resolved: ${reason}. Set it and run again.`, options);
    this.reference = reference;
  }
}

/** The file of a reference cannot be read as a secret. */
export class SecretUnreadableError extends Error {
  override readonly name = 'SecretUnreadableError';
  readonly code = 'SECRET_UNREADABLE';
  readonly reference: SecretReference;

  constructor(reference: SecretReference, reason: string, options?: ErrorOptions) {
    super(`The secret ${reference} cannot be read: ${reason}.`, options);
    this.reference = reference;
  }
}

/** The file of a reference can be read by everybody on the machine. */
export class SecretTooOpenError extends Error {
  override readonly name = 'SecretTooOpenError';
  readonly code = 'SECRET_TOO_OPEN';
  readonly reference: SecretReference;
  /** Permission bits of the file. */
  readonly mode: number;

  constructor(reference: SecretReference, path: string, mode: number) {
    super(
      `The secret ${reference} can be read by everybody (mode ${mode.toString(8).padStart(4, '0')}). ` +
        `Run: chmod 600 ${path}`,
    );
    this.reference = reference;
    this.mode = mode;
  }
}

/** The secret does not have the form that its field needs. The value is not in the error. */
export class SecretFormatError extends Error {
  override readonly name = 'SecretFormatError';
  readonly code = 'SECRET_FORMAT';
  readonly reference: SecretReference;
  readonly expected: string;

  constructor(reference: SecretReference, expected: string) {
    super(`The secret ${reference} does not have the right form. Expected: ${expected}.`);
    this.reference = reference;
    this.expected = expected;
  }
}
