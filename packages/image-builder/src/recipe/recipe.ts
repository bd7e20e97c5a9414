import type { SecretReference } from './secret-reference.ts';

/** A recipe after validation: every default filled in, sizes in bytes, times in milliseconds. */
export interface Recipe {
  version: 1;
  /** Lower-case letters, digits and hyphens, at most 63; the default build id and host name. */
  name: string;
  description?: string;
  distribution: Distribution;
  updates: Updates;
  system: SystemSettings;
  disk: DiskSettings;
  /** In the order of the file; names are unique. Empty: nobody can log in, root stays locked. */
  users: User[];
  drivers: Drivers;
  /** In the order in which they are installed; names are unique. */
  apps: App[];
  vm: VmSettings;
  capture: CaptureSettings;
  /** Media that install the image on other machines; false: not requested. */
  media: false | MediaSettings;
  /** Targets that the result is written to; false: none. */
  usb: false | UsbSettings;
  reproducible: Reproducible;
}

export interface Distribution {
  id: 'debian';
  release: 'bookworm';
  /** Archive to use instead of the machine's own apt sources; may hold the text `{snapshot}`. */
  mirror?: string;
  /** The same for the security suite; without it the machine's own security source is used. */
  securityMirror?: string;
  /** `YYYYMMDDTHHMMSSZ`, put in place of `{snapshot}`; only together with `mirror`. */
  snapshot?: string;
  /** Never empty; default `main`. */
  components: ('main' | 'contrib' | 'non-free' | 'non-free-firmware')[];
}

export interface Updates {
  /** The security suite of the release; default true. */
  security: boolean;
  /** The `<release>-updates` suite; default true. */
  stable: boolean;
}

export interface SystemSettings {
  /** RFC 1123 host name; default the recipe's name. */
  hostname: string;
  /** As in `locale -a`; default `C.UTF-8`. */
  locale: string;
  /** tz database name; default `Etc/UTC`. */
  timezone: string;
  /** Debian package of the kernel; default `linux-image-cloud-amd64`. */
  kernel: string;
  /** Extra arguments, one an element, in order. */
  kernelCommandLine: string[];
  /** Extra packages of the base system, as `name` or `name=version`. */
  packages: string[];
}

export interface DiskSettings {
  /** Whole MiB; default 4 GiB. */
  sizeBytes: number;
  /** Logical sector size; 4096 comes in a later version. */
  sectorSize: 512;
  /** EFI system partition, whole MiB; default 256 MiB. */
  espSizeBytes: number;
  /** Label of the root file system, at most 16 characters; default `root`. */
  rootLabel: string;
  /** Text that every UUID of the disk is derived from; the builder derives them from the name without it. */
  uuidSeed?: string;
}

export interface User {
  name: string;
  /** Supplementary groups; default none. */
  groups: string[];
  /** Absolute path; default `/bin/bash`. */
  shell: string;
  /** Reference to a crypt(3) hash; without it the password is locked. */
  password?: SecretReference;
  /** Public key lines or references to them; default none. */
  authorizedKeys: string[];
  /** May become root with sudo; default false. */
  sudo: boolean;
}

export interface Drivers {
  /** Firmware or driver packages, as `name` or `name=version`. */
  packages: string[];
  /** Folder of .deb files, relative to the recipe's folder. */
  folder?: string;
}

export interface App {
  name: string;
  packages: string[];
  files: AppFile[];
  /** Run in the guest, in this order, after packages and files are in place. */
  scripts: AppScript[];
  /** Run in the guest after the scripts; the app has failed when one of them fails. */
  checks: AppCheck[];
}

export interface AppFile {
  /** File or folder, relative to the recipe's folder. */
  source: string;
  /** Absolute path in the image. */
  target: string;
  /** Permission bits; for a folder they apply to the files in it. Default 0o644. */
  mode: number;
  /** `user` or `user:group`, names or numbers; default `root:root`. */
  owner: string;
}

export interface AppScript {
  /** Relative to the recipe's folder. */
  path: string;
  args: string[];
  /** A value that starts with `env:` or `file:` is a secret reference; see {@link isSecretReference}. */
  env: Record<string, string>;
}

export type AppCheck = UnitCheck | CommandCheck;

export interface UnitCheck {
  /** systemd unit with its suffix, as `nginx.service`. */
  unit: string;
  /** Whether it must be active or must not be; default true. */
  active: boolean;
}

export interface CommandCheck {
  /** Program and arguments, run without a shell; exit code 0 means the check holds. Never empty. */
  command: string[];
}

export interface VmSettings {
  /** Memory of the guest in MiB; default 1024. */
  memoryMiB: number;
  /** Virtual processors; default 2. */
  cpus: number;
  /** `auto` (the default) takes KVM where a probe shows that it works. */
  accelerator: 'auto' | 'kvm' | 'tcg';
  timeouts: VmTimeouts;
}

/** All in milliseconds. */
export interface VmTimeouts {
  /** Power-on until the guest's agent reports; default 5 minutes. */
  bootMs: number;
  /** One app; default 15 minutes. */
  appMs: number;
  /** Power-off request until the process has ended; default 2 minutes. */
  shutdownMs: number;
}

/** `raw.zst` comes with a block map beside it. */
export type CaptureFormat = 'qcow2' | 'vhdx' | 'raw.zst' | 'ffu';

export interface CaptureSettings {
  /** Never empty, without repetition; default qcow2 and vhdx. */
  formats: CaptureFormat[];
  /** Given only where `formats` has ffu. */
  ffu?: FfuSettings;
  /** Without it SHA256SUMS is not signed. */
  sign?: SignSettings;
}

export interface FfuSettings {
  /** V1_COMPRESSED with plain XPRESS instead of V1; default false. */
  compress: boolean;
}

export interface SignSettings {
  /** Reference to a secret key of minisign without a password, or to ed25519 as PKCS #8 in PEM. */
  key: SecretReference;
}

/** `stick`: a raw image for a USB stick. `pxe`: kernel, initramfs and a folder for an HTTP server. */
export type MediaFormat = 'iso' | 'stick' | 'pxe';

export interface MediaSettings {
  /** Never empty, without repetition; default iso and stick. */
  formats: MediaFormat[];
  /** Debian package of the installer's kernel; default `linux-image-amd64`, which has the drivers of real machines. */
  kernel: string;
  /** Firmware packages for the installer's kernel, as `name` or `name=version`; default none. */
  firmware: string[];
  disk: MediaDisk;
  /** Let the last partition fill the disk; default true. */
  grow: boolean;
  /** Without it the machine keeps the image's host name. */
  hostname?: MediaHostname;
  /** What follows an installation; default `reboot`. */
  after: 'reboot' | 'poweroff';
}

/** Which disk of the machine is written to. */
export interface MediaDisk {
  /** `only` (the default): the only one that fits. */
  select: 'only' | 'smallest' | 'largest' | 'serial';
  /** Serial numbers of disks; with `select: serial` never empty, else empty. */
  serials: string[];
  minBytes?: number;
  maxBytes?: number;
  /** What happens where several fit; default `ask`. */
  several: 'ask' | 'refuse';
  /** Whether a disk that holds something is overwritten; default `ask`. */
  overwrite: 'ask' | 'always' | 'never';
}

/** At least one of both. */
export interface MediaHostname {
  /** Text with `{serial}`, `{mac}`, `{counter}` or `{name}` in it; `{counter:4}` has four digits. */
  template?: string;
  /** CSV file of `serial,name` lines, relative to the recipe's folder. */
  names?: string;
}

export interface Reproducible {
  /** Seconds since 1970; the builder takes SOURCE_DATE_EPOCH or the date of the package indexes without it. */
  sourceDateEpoch?: number;
}

export interface UsbSettings {
  /** `media` (the default where `media` makes a stick): the stick image; `image`: the captured image. */
  write: 'media' | 'image';
  /** Absolute paths of disks, loop devices or files; none twice. */
  targets: string[];
  /** Serial numbers of disks. Together with `targets` never empty. */
  serials: string[];
  /** Whether the capacity of disks is looked at first; default false. */
  probe: boolean;
  /** Whether what was written is read back; default true. */
  verify: boolean;
}
