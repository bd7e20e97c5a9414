/** A setting that the installer would not read as it was meant. */
export class InstallerSettingsError extends Error {
  readonly code = 'INSTALLER_SETTINGS';
  /** As in the settings file. */
  readonly key: string;

  constructor(key: string, value: string | number, reason: string) {
    super(`the installer's setting ${key} cannot be ${JSON.stringify(value)}: ${reason}`);
    this.name = 'InstallerSettingsError';
    this.key = key;
  }
}

/** The packages do not have what an installer needs. */
export class InstallerContentError extends Error {
  readonly code = 'INSTALLER_CONTENT';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InstallerContentError';
  }
}
