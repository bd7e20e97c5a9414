import { InstallerSettingsError } from './errors.ts';

/** Host name of the machine with a serial number. */
export interface MachineName {
  readonly serial: string;
  readonly hostname: string;
}

/**
 * `/osforge/names.tsv`: a serial number and a host name on each line. Throws {@link InstallerSettingsError} for what
 * would not be read as it is meant. Pure.
 */
export function formatNames(names: readonly MachineName[]): string {
  const seen = new Set<string>();
  return names
    .map(({ serial, hostname }) => {
      for (const text of [serial, hostname]) {
        if (text === '' || text.trim() !== text || /\p{Cc}/u.test(text))
          throw new InstallerSettingsError(
            'hostname.names',
            text,
            'it must have no control characters and no spaces at its ends, and must not be empty',
          );
      }
      if (seen.has(serial))
        throw new InstallerSettingsError('hostname.names', serial, 'this serial number is listed twice');
      seen.add(serial);
      return `${serial}\t${hostname}\n`;
    })
    .join('');
}
