/** The command line asks for something that cannot be. Nothing has been started. */
export class UsageError extends Error {
  readonly code = 'CLI_USAGE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}
