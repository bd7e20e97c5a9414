/** Base of what this package throws on its own account. */
export abstract class HypervisorError extends Error {
  abstract readonly code: string;
}

/** A machine was described in a way that cannot work; nothing was started. */
export class MachineSpecError extends HypervisorError {
  override readonly name = 'MachineSpecError';
  readonly code = 'HYPERVISOR_SPEC';
  /** The field of the MachineSpec, e.g. `disks[0].id`. */
  readonly field: string;

  constructor(field: string, what: string) {
    super(`The machine's "${field}" cannot be used: ${what}.`);
    this.field = field;
  }
}

/** A socket's path is longer than the kernel's address allows (107 bytes). */
export class SocketPathTooLongError extends HypervisorError {
  override readonly name = 'SocketPathTooLongError';
  readonly code = 'HYPERVISOR_SOCKET_PATH_TOO_LONG';
  readonly path: string;
  readonly maxBytes: number;

  constructor(path: string, maxBytes: number) {
    super(
      `The socket path ${path} has ${Buffer.byteLength(path)} bytes; the kernel allows ${maxBytes}. ` +
        'Use a shorter runtimeDir, e.g. one made by createRuntimeDir().',
    );
    this.path = path;
    this.maxBytes = maxBytes;
  }
}

/** The folder for sockets is not a private folder of ours. */
export class RuntimeDirError extends HypervisorError {
  override readonly name = 'RuntimeDirError';
  readonly code = 'HYPERVISOR_RUNTIME_DIR';
  readonly path: string;

  constructor(path: string, what: string) {
    super(`The folder ${path} cannot hold a machine's sockets: ${what}. It must be ours alone (mode 0700).`);
    this.path = path;
  }
}

/** The UEFI firmware is not installed. */
export class FirmwareMissingError extends HypervisorError {
  override readonly name = 'FirmwareMissingError';
  readonly code = 'HYPERVISOR_FIRMWARE_MISSING';
  readonly lookedIn: readonly string[];

  constructor(lookedIn: readonly string[]) {
    super(`No UEFI firmware was found (${lookedIn.join(', ')}). On Debian install the package "ovmf".`);
    this.lookedIn = lookedIn;
  }
}

/** The hypervisor's process ended, or did not get ready, while a machine was being created. */
export class MachineStartError extends HypervisorError {
  override readonly name = 'MachineStartError';
  readonly code = 'HYPERVISOR_START';
  /** The last lines that it wrote, oldest first. */
  readonly lastLines: readonly string[];

  constructor(machine: string, what: string, lastLines: readonly string[], cause?: unknown) {
    const said = lastLines.length === 0 ? '' : ` It said: ${lastLines.join(' | ')}`;
    super(`The machine "${machine}" did not start: ${what.replace(/\.$/, '')}.${said}`, { cause });
    this.lastLines = lastLines;
  }
}

/** A saved state could not be loaded. The file is unchanged. */
export class RestoreStateError extends HypervisorError {
  override readonly name = 'RestoreStateError';
  readonly code = 'HYPERVISOR_RESTORE_STATE';
  readonly statePath: string;

  constructor(statePath: string, what: string, cause?: unknown) {
    super(
      `The saved state ${statePath} could not be loaded: ${what}. Start the machine from its disk instead.`,
      {
        cause,
      },
    );
    this.statePath = statePath;
  }
}

/** The state of a machine could not be saved. No state file is left behind. */
export class SaveStateError extends HypervisorError {
  override readonly name = 'SaveStateError';
  readonly code = 'HYPERVISOR_SAVE_STATE';
  readonly statePath: string;
  /** True when the disks had already been switched to their overlays: the frozen files are no longer written. */
  readonly overlaysInUse: boolean;
  /** True when the guest runs on. */
  readonly continued: boolean;

  constructor(
    statePath: string,
    what: string,
    fields: { overlaysInUse: boolean; continued: boolean },
    cause?: unknown,
  ) {
    super(
      `The machine's state could not be saved to ${statePath}: ${what.replace(/\.$/, '')}. The guest ` +
        (fields.continued ? 'runs on' : 'is paused, gone or does not answer') +
        (fields.overlaysInUse ? ', on its new overlays.' : ', on its old disks.'),
      { cause },
    );
    this.statePath = statePath;
    this.overlaysInUse = fields.overlaysInUse;
    this.continued = fields.continued;
  }
}

/** The disks of a machine could not be frozen. */
export class FreezeDisksError extends HypervisorError {
  override readonly name = 'FreezeDisksError';
  readonly code = 'HYPERVISOR_FREEZE_DISKS';
  /** True when the disks had already been switched to their overlays: the frozen files are no longer written. */
  readonly overlaysInUse: boolean;
  /** True when the guest runs on. */
  readonly continued: boolean;

  constructor(what: string, fields: { overlaysInUse: boolean; continued: boolean }, cause?: unknown) {
    super(
      `The machine's disks could not be frozen: ${what.replace(/\.$/, '')}. The guest ` +
        (fields.continued ? 'runs on' : 'is paused, gone or does not answer') +
        (fields.overlaysInUse ? ', on its new overlays.' : ', on its old disks.'),
      { cause },
    );
    this.overlaysInUse = fields.overlaysInUse;
    this.continued = fields.continued;
  }
}

/** A wait ran past its deadline. */
export class MachineTimeoutError extends HypervisorError {
  override readonly name = 'MachineTimeoutError';
  readonly code = 'HYPERVISOR_TIMEOUT';
  readonly waitedFor: string;
  readonly timeoutMs: number;

  constructor(waitedFor: string, timeoutMs: number) {
    super(`No ${waitedFor} within ${timeoutMs} ms. Raise timeoutMs if the machine is only slow.`);
    this.waitedFor = waitedFor;
    this.timeoutMs = timeoutMs;
  }
}

/** The caller's signal fired; `cause` is its reason. */
export class MachineCancelledError extends HypervisorError {
  override readonly name = 'MachineCancelledError';
  readonly code = 'HYPERVISOR_CANCELLED';

  constructor(waitedFor: string, cause: unknown) {
    super(`Waiting for ${waitedFor} was cancelled by the caller.`, { cause });
  }
}

/** The machine, its console or a channel is gone while something was still wanted from it. */
export class MachineGoneError extends HypervisorError {
  override readonly name = 'MachineGoneError';
  readonly code = 'HYPERVISOR_GONE';

  constructor(waitedFor: string, cause?: unknown) {
    super(`The machine ended before: ${waitedFor}. Its verdict and console log say why.`, { cause });
  }
}

/**
 * True for failures that a new attempt may cure: a machine that did not get ready in time or ended while it started.
 */
export function isTransientHypervisorError(error: unknown): boolean {
  return error instanceof MachineStartError || error instanceof MachineTimeoutError;
}
