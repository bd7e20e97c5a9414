/** A block device error that QEMU reported. Source: QEMU qapi/block-core.json, `BLOCK_IO_ERROR`. */
export interface VmIoError {
  /** QEMU's device or node name, empty when it gave none. */
  readonly device: string;
  readonly operation: string;
  /** What QEMU did: `stop` (the guest is paused for good), `report` (the guest saw the error), `ignore`. */
  readonly action: string;
  /** True when the host's disk was full. */
  readonly noSpace: boolean;
  readonly reason: string;
}

/** Everything that is known about how a machine ended. An absent field means "not seen", never "did not happen". */
export interface VmEndEvidence {
  /** QMP's reason: `guest-shutdown`, `guest-reset`, `guest-panic`, `host-qmp-quit`, `host-signal`, … */
  readonly shutdownReason?: string;
  /** When QEMU announced the shutdown: wall-clock ms since the epoch. */
  readonly shutdownAtMs?: number;
  /** QEMU's panic information, `{}` if it had none. */
  readonly panic?: unknown;
  /** Reason of a reset that the machine went through and survived. */
  readonly resetReason?: string;
  /** The first I/O error. */
  readonly ioError?: VmIoError;
  /** The QMP connection was closed by QEMU. */
  readonly qmpEof: boolean;
  /** How the process ended; absent when it had not. `code` is null after a signal. */
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
  /** The deadline passed before the machine had ended. */
  readonly timedOut: boolean;
  /** The file system's own flag, read from the disk after the end; absent when nobody looked. */
  readonly filesystem?: 'clean' | 'dirty' | 'unknown';
}
