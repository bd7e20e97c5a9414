import type { QmpClient, VmEndEvidence, VmEventSource, VmState } from '@osforge/vm-events';
import type { Observable } from 'rxjs';
import type { GuestChannel } from './guest-channel.ts';
import type { MachineSpec } from './machine-spec.ts';
import type { StopReport } from './stop-ladder.ts';
import type { WaitOptions } from './wait.ts';

/** What runs machines; one implementation a hypervisor. */
export interface Hypervisor {
  readonly name: 'qemu';
  /**
   * Starts the hypervisor's process with the guest paused (and its saved state loaded, if the spec names one):
   * subscribe to what you need, then `start()`. Default deadline 60 000 ms, with a saved state 600 000 ms. On failure
   * no process, socket or folder is left.
   * @throws MachineSpecError, MachineStartError, RestoreStateError, FirmwareMissingError, SocketPathTooLongError,
   *   MachineTimeoutError, MachineCancelledError, ProgramMissingError of `@osforge/process`
   */
  create(spec: MachineSpec, options?: WaitOptions): Promise<Machine>;
}

export interface FreezeDisksOptions extends WaitOptions {
  /** A new overlay for each writable disk, by disk id; the files must not exist. */
  readonly overlays: Readonly<Record<string, string>>;
}

export interface FrozenDisks {
  readonly durationMs: number;
  /** The files that hold the disks' content at that moment, by disk id. They are on the medium and change no more. */
  readonly frozenDisks: Readonly<Record<string, string>>;
}

export interface SaveStateOptions extends FreezeDisksOptions {
  /** The new state file; must not exist. */
  readonly statePath: string;
}

export interface SavedState extends FrozenDisks {
  readonly sizeBytes: number;
  /** Of the state file, computed while it was written. */
  readonly sha256: string;
  /** How long the guest stood still, part of `durationMs`. */
  readonly pausedMs: number;
}

/** One virtual machine. It dies with this process, even if this process is killed. */
export interface Machine {
  readonly name: string;
  readonly pid: number;
  readonly accelerator: { readonly name: 'kvm' | 'tcg'; readonly reason: string };
  readonly qmp: QmpClient;
  readonly source: VmEventSource;
  /** Lines of the serial console from the subscription on, as plain text. */
  readonly console$: Observable<string>;
  /** The newest console lines (at most 1000), oldest first; the last may be unfinished. */
  lastConsoleLines(count: number): string[];
  /** The first console line, complete or not, that matches from now on. Default deadline 600 000 ms. */
  waitForConsole(pattern: RegExp, options?: WaitOptions): Promise<string>;
  /**
   * Types on the serial console: the text as it is, so end a line with `\n`. Resolves when the kernel took it, which is
   * before the guest reads it: wait for its prompt first. Default deadline 30 000 ms.
   * @throws MachineGoneError, MachineTimeoutError, MachineCancelledError
   */
  sendToConsole(text: string, options?: WaitOptions): Promise<void>;
  readonly consoleLog: string;
  /** @throws MachineSpecError for a name that the spec did not have */
  channel(name: string): GuestChannel;
  /** Lets the guest run (for the first time, or on). Idempotent. */
  start(options?: WaitOptions): Promise<void>;
  pause(options?: WaitOptions): Promise<void>;
  /**
   * Evidence of the end, without a deadline: see `observeVmEnd`. By then all that the guest wrote to its console and its
   * channels has been handed out, and the console is in its log. It resolves early, with the process still there, when
   * an I/O error paused the guest for good.
   */
  readonly ended: Promise<VmEndEvidence>;
  /** As `ended`, but gives up with `timedOut: true` in the evidence at the deadline. The machine is not touched. */
  waitForEnd(options: WaitOptions): Promise<VmEndEvidence>;
  waitForState(target: VmState, options?: WaitOptions): Promise<VmState>;
  /** Puts an image file into a CD drive. Waits for the guest to open a locked tray. Default deadline 60 000 ms. */
  insertMedium(cdromId: string, path: string, options?: WaitOptions): Promise<void>;
  /** Takes the medium out, also from an empty drive. Waits for the guest to release it. Default deadline 60 000 ms. */
  ejectMedium(cdromId: string, options?: WaitOptions): Promise<void>;
  /**
   * Pauses the guest, freezes its disks (each goes on in its new overlay), writes its state to a file, lets it run on
   * if it ran. State and frozen disks belong to the same instant. Default deadline 600 000 ms.
   * @throws SaveStateError, MachineSpecError
   */
  saveState(options: SaveStateOptions): Promise<SavedState>;
  /**
   * Freezes the disks without keeping the guest's memory, as when that holds secrets: each disk goes on in its new
   * overlay. Have the guest synchronize its file systems first. Default deadline 600 000 ms.
   * @throws FreezeDisksError, MachineSpecError
   */
  freezeDisks(options: FreezeDisksOptions): Promise<FrozenDisks>;
  /** Ends the machine by the gentlest means that works: see {@link StopReport}. */
  stop(options?: StopOptions): Promise<StopReport>;
  /** SIGKILL; resolves when the process is gone and the sockets' folder removed. What QEMU had not written is lost. */
  kill(): Promise<void>;
}

export interface StopOptions {
  /** How long the guest has to power off after the ACPI button. Default 60 000 ms; 0 skips that rung. */
  readonly gracefulTimeoutMs?: number | undefined;
  /** How long QEMU has to end after `quit`, and after SIGTERM. Default 10 000 ms each. */
  readonly quitTimeoutMs?: number | undefined;
  /** Cuts the ladder short: SIGKILL at once. */
  readonly signal?: AbortSignal | undefined;
}
