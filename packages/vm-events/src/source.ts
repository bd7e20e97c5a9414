import type { Observable } from 'rxjs';
import type { WaitOptions } from './deadline.ts';

/**
 * - `starting`: exists, its processors have not run yet (or wait for a saved state)
 * - `running`: processors run
 * - `paused`: processors are stopped, the machine can go on
 * - `stopped`: the machine's process is gone, its disks are closed
 */
export type VmState = 'starting' | 'running' | 'paused' | 'stopped';

/** Something that happened to a machine, in the hypervisor's own words. `atMs` is wall-clock ms since the epoch. */
export interface VmEvent {
  readonly name: string;
  readonly atMs: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * State and events of one machine, whatever runs it. `vmEventSourceContract` (sub-path `./contract`) is what an
 * implementation has to satisfy.
 */
export interface VmEventSource {
  /** Changes of state from the subscription on, never the same twice in a row. Completes after `stopped`. */
  readonly state$: Observable<VmState>;
  /** Events from the subscription on. Completes when the machine is stopped or the source closed. */
  readonly events$: Observable<VmEvent>;
  /** Asks for the state now. After the machine is gone it answers `stopped`. Default deadline 30 000 ms. */
  readState(options?: WaitOptions): Promise<VmState>;
  /** Stops watching; does not touch the machine. Completes both streams. Idempotent. */
  close(): Promise<void>;
}
