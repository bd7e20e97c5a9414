import { InstallerSettingsError } from './errors.ts';

/** What the installer is to do; it goes into the initramfs as `/osforge/settings`. */
export interface InstallerSettings {
  /** Name of the image, as people are shown it, and `{name}` of the host name's template. */
  readonly name: string;
  /** Length of the image's disk in bytes; whole MiB. */
  readonly imageBytes: number;
  /** Logical sector size in bytes that the image was made for. */
  readonly sectorSize: number;
  readonly select: 'only' | 'smallest' | 'largest' | 'serial';
  /** Serial numbers of disks, for `select: 'serial'`. */
  readonly serials: readonly string[];
  /** Limits for the size of the disk in bytes, both included. */
  readonly minBytes?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** What happens when several disks fit. */
  readonly several: 'ask' | 'refuse';
  /** What happens when the chosen disk is not empty. */
  readonly overwrite: 'ask' | 'always' | 'never';
  /** Whether the last partition, and an ext4 in it, gets the rest of the disk. */
  readonly grow: boolean;
  /** With `{serial}`, `{mac}`, `{counter}`, `{name}`. */
  readonly hostnameTemplate?: string | undefined;
  /** `{counter}` has at least so many digits; default 3. */
  readonly counterDigits?: number | undefined;
  readonly after: 'reboot' | 'poweroff';
  /** Where the payload is looked for unless the kernel's command line names an HTTP folder. */
  readonly payload: 'medium' | 'http';
  /** The text of `osforge/medium-id` on the medium that belongs to this installer. */
  readonly mediumId: string;
}

/**
 * The settings file: one `key value` a line. Throws {@link InstallerSettingsError} for a value that would not arrive as
 * it is, such as a line feed in a name. Pure.
 */
export function formatSettings(settings: InstallerSettings): string {
  const lines: [string, string | number | undefined][] = [
    ['name', settings.name],
    ['image-bytes', settings.imageBytes],
    ['sector-size', settings.sectorSize],
    ['select', settings.select],
    ...settings.serials.map((serial): [string, string] => ['serial', serial]),
    ['min-bytes', settings.minBytes],
    ['max-bytes', settings.maxBytes],
    ['several', settings.several],
    ['overwrite', settings.overwrite],
    ['grow', settings.grow ? 1 : 0],
    ['hostname-template', settings.hostnameTemplate],
    ['counter-digits', settings.counterDigits],
    ['after', settings.after],
    ['payload', settings.payload],
    ['medium-id', settings.mediumId],
  ];
  return lines
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${checked(key, value)}\n`]))
    .join('');
}

/** No control character: a line is one setting, and people see it on a screen. Numbers are whole and not negative. */
function checked(key: string, value: string | number): string {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new InstallerSettingsError(key, value, 'it must be a whole number and not negative');
    return String(value);
  }
  if (value === '') throw new InstallerSettingsError(key, value, 'it must not be empty');
  if (/\p{Cc}/u.test(value))
    throw new InstallerSettingsError(key, value, 'it must have no control characters');
  return value;
}
