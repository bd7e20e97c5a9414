export type AcceleratorChoice = 'auto' | 'tcg' | 'kvm';

export type MachineBoot =
  | {
      readonly kind: 'kernel';
      readonly kernel: string;
      readonly initrd?: string | undefined;
      readonly commandLine: string;
    }
  /** UEFI. The variable store is made from the firmware's template if the file is absent, and is written. */
  | { readonly kind: 'uefi'; readonly variablesPath: string }
  /** The machine's legacy BIOS boots the first disk. */
  | { readonly kind: 'bios' };

export interface MachineDisk {
  /** QEMU's node name and device id: a letter, then letters, digits, `-`, `_`; at most 20 characters. */
  readonly id: string;
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /** Default false. */
  readonly readOnly?: boolean | undefined;
  /** Host cache mode; default `writeback`. `unsafe` ignores the guest's flushes: much faster, lost at a host crash. */
  readonly cache?: 'writeback' | 'none' | 'unsafe' | undefined;
  /**
   * Makes `path` as a new qcow2 overlay on this file before the start; `path` must not exist and `format` must be
   * `qcow2`. The backing file is not written.
   */
  readonly backing?: { readonly path: string; readonly format: 'raw' | 'qcow2' } | undefined;
}

export interface MachineSpec {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly accelerator: AcceleratorChoice;
  readonly boot: MachineBoot;
  /** virtio-blk disks in the order in which the guest sees them. */
  readonly disks: readonly MachineDisk[];
  /** A virtio-scsi CD drive; without `path` it starts empty. */
  readonly cdrom?: { readonly id: string; readonly path?: string | undefined } | undefined;
  /** Names of virtio-serial ports, e.g. `org.osforge.agent`. */
  readonly channels: readonly string[];
  /** Private folder (0700; made if absent) for sockets. Short: a socket's path may have 107 bytes. */
  readonly runtimeDir: string;
  /** Raw bytes of the serial console are appended here; the file is made with mode 0600. */
  readonly consoleLog: string;
  /** What QEMU writes on stdout and stderr is appended here. Default: kept in memory for error messages only. */
  readonly qemuLog?: string | undefined;
  readonly network: 'none' | 'user';
  /** A file made by `saveState`. The rest of the spec must be what it was, but for the paths. */
  readonly restoreFrom?: string | undefined;
  /** Give the guest a virtio random number generator; default true. */
  readonly rng?: boolean | undefined;
  /** Further QEMU arguments. */
  readonly extra?: readonly string[] | undefined;
}
