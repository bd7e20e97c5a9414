import type { InstallerSettings } from './settings.ts';
import { InstallerContentError } from './errors.ts';

export interface InitramfsRequest {
  /** Absolute paths of the `.deb` files of `installerPackages` and all that they need; files not needed are not used. */
  readonly archives: readonly string[];
  /** Names of those packages whose `/lib/firmware` goes in. */
  readonly firmware: readonly string[];
  /** Folder, which is there, for the four files. */
  readonly target: string;
  readonly settings: InstallerSettings;
  /** Content of `/osforge/parts.tsv`. */
  readonly partsTsv: string;
  /** The list of host names; empty where there is none. */
  readonly names: readonly MachineName[];
  /** Time stamp of everything in the archives, in seconds since 1970. */
  readonly epochSeconds: number;
  /** A folder, which is there, for what is unpacked; it is left as it was found. */
  readonly temporaryDirectory: string;
  readonly signal: AbortSignal;
}

/** Host name of the machine with a serial number. */
export interface MachineName {
  readonly serial: string;
  readonly hostname: string;
}

/** Absolute paths, in the target folder. */
export interface InitramfsResult {
  /** `linux` */
  readonly kernel: string;
  /** As `uname -r` says it. */
  readonly kernelRelease: string;
  /** `initrd.img` */
  readonly initramfs: string;
  /** `network.img`, drivers of network cards: given to the kernel behind `initramfs`, by PXE only. */
  readonly networkInitramfs: string;
  /** `systemd-bootx64.efi` */
  readonly loader: string;
}

/** Makes kernel, initramfs and loader of an installer. Needs no root; equal input gives equal bytes. */
export async function buildInitramfs(request: InitramfsRequest): Promise<InitramfsResult> {
  await Promise.resolve();
  throw new InstallerContentError(`not made yet in ${request.target}`);
}
