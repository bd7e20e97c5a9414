/**
 * A text format of the recipe: what the pattern is called and what good text looks like.
 * The pattern goes into the published JSON Schema, so it uses only what JSON Schema's dialect has.
 */
export interface TextFormat {
  readonly pattern: RegExp;
  /** What the text should be, as a noun phrase with an example. */
  readonly expected: string;
  /** What to do; where the expectation alone does not say it. */
  readonly remedy?: string;
}

const format = (pattern: RegExp, expected: string, remedy?: string): TextFormat =>
  remedy === undefined ? { pattern, expected } : { pattern, expected, remedy };

/** Every text format by name. Sources: Debian policy 5.6.1, useradd(8), RFC 1123, systemd.unit(5). */
export const formats: Readonly<
  Record<
    | 'name'
    | 'packageName'
    | 'packageSpec'
    | 'userName'
    | 'hostName'
    | 'unitName'
    | 'locale'
    | 'timezone'
    | 'size'
    | 'duration'
    | 'mode'
    | 'owner'
    | 'absolutePath'
    | 'shell'
    | 'targetPath'
    | 'relativePath'
    | 'snapshot'
    | 'mirror'
    | 'secret'
    | 'authorizedKey'
    | 'rootLabel'
    | 'kernelArgument'
    | 'variable'
    | 'diskSerial'
    | 'hostnameTemplate'
    | 'line',
    TextFormat
  >
> = {
  name: format(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'lower-case letters, digits and hyphens, at most 63, not starting or ending with a hyphen (web-server)',
  ),
  packageName: format(
    /^[a-z0-9][a-z0-9+.-]+$/,
    'a Debian package name: lower-case letters, digits and + - . (linux-image-amd64)',
  ),
  packageSpec: format(
    /^[a-z0-9][a-z0-9+.-]+(=[0-9][A-Za-z0-9.+~:-]*)?$/,
    'a Debian package name, where needed with =version (nginx or nginx=1.22.1-9)',
  ),
  userName: format(
    /^[a-z_][a-z0-9_-]{0,31}$/,
    'a Linux user name: lower-case, at most 32 characters (operator)',
  ),
  hostName: format(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'a host name of lower-case labels (web-1 or web-1.example.org)',
  ),
  unitName: format(
    /^[A-Za-z0-9:_.\\@-]+\.(service|socket|target|timer|mount|path|slice|device|swap|automount|scope)$/,
    'a systemd unit with its suffix (nginx.service)',
  ),
  locale: format(
    /^[A-Za-z]+(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z]+)?$/,
    'a locale name (C.UTF-8 or de_CH.UTF-8)',
  ),
  timezone: format(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, 'a time zone of the tz database (Europe/Zurich)'),
  size: format(
    /^[1-9][0-9]{0,6}[MGT]$/,
    'a whole number with M, G or T, counted in powers of 1024 (3500M or 4G)',
    'Write the size with its unit, as 4G.',
  ),
  duration: format(/^[1-9][0-9]{0,5}(s|m|h)$/, 'a number of seconds, or text with s, m or h (90s or 10m)'),
  mode: format(
    /^0?[0-7]{3,4}$/,
    'permission bits in octal, in quotes ("0644")',
    'Put the mode in quotes: "0644".',
  ),
  owner: format(
    /^([a-z_][a-z0-9_-]{0,31}|[0-9]+)(:([a-z_][a-z0-9_-]{0,31}|[0-9]+))?$/,
    'user or user:group (root:root)',
  ),
  absolutePath: format(
    /^\/([^/\n]+\/)*[^/\n]+$/,
    'an absolute path in the image without a slash at its end (/etc/motd)',
  ),
  targetPath: format(
    /^\/[^/\n]+(\/[^/\n]+)*$/,
    'the absolute path of a disk or a file (/dev/disk/by-id/usb-Vendor_Stick_0123-0:0)',
    'Take a name below /dev/disk/by-id: it stays with the stick.',
  ),
  shell: format(/^\/([^/:\n]+\/)*[^/:\n]+$/, 'the absolute path of a shell, without a colon (/bin/bash)'),
  relativePath: format(/^[^/\n][^\n]*$/, "a path relative to the recipe's folder (files/motd)"),
  snapshot: format(/^[0-9]{8}T[0-9]{6}Z$/, 'a time stamp as YYYYMMDDTHHMMSSZ (20250520T000000Z)'),
  mirror: format(
    /^((https?:\/\/[^\s@]+)|(file:\/[^\s]*))$/,
    'the http, https or file address of a Debian archive, without user name or password',
    "Credentials belong in apt's own auth.conf, not in a recipe.",
  ),
  secret: format(
    /^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\n]+)$/,
    'a reference: env:NAME or file:PATH',
    'Keep the secret out of the recipe: put it in a variable or a file and name that here. If a real password was written here, change it.',
  ),
  authorizedKey: format(
    /^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\n]+|(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( [^\n]*)?)$/,
    'an OpenSSH public key (ssh-ed25519 AAAA… name), env:NAME or file:PATH',
  ),
  rootLabel: format(/^[A-Za-z0-9._-]{1,16}$/, 'at most 16 letters, digits and . _ - (root)'),
  kernelArgument: format(/^[^\s"]+$/, 'one kernel argument without white space (quiet or console=ttyS0)'),
  variable: format(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name: letters, digits and _ (API_URL)'),
  diskSerial: format(
    /^[!-~]([ -~]{0,126}[!-~])?$/,
    'the serial number of a disk as `lsblk -o SERIAL` shows it: printable ASCII without blanks around it',
  ),
  hostnameTemplate: format(
    /^([A-Za-z0-9-]|\{(serial|mac|name|counter(:[1-9])?)\})+$/,
    'letters, digits and hyphens with {serial}, {mac}, {counter} (or {counter:4} for four digits) or {name} in it (lab-{serial})',
  ),
  line: format(/^[^\n\0]*$/, 'one line of text'),
};

const byPattern: ReadonlyMap<string, TextFormat> = new Map(
  Object.values(formats).map((entry) => [entry.pattern.toString(), entry]),
);

/** The format that a zod issue's `pattern` text belongs to. */
export function formatOfPattern(pattern: string): TextFormat | undefined {
  return byPattern.get(pattern);
}

const sizeUnits: Readonly<Record<string, number>> = { M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes of text such as `4G`; the text has passed the `size` format. */
export function sizeToBytes(text: string): number {
  return Number(text.slice(0, -1)) * (sizeUnits[text.slice(-1)] ?? Number.NaN);
}

const durationUnits: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `10m`, `90s`, `1h` or of a number of seconds. */
export function durationToMs(value: string | number): number {
  return typeof value === 'number'
    ? value * 1000
    : Number(value.slice(0, -1)) * (durationUnits[value.slice(-1)] ?? Number.NaN);
}
