export {
  probeAccelerator,
  type AcceleratorProbe,
  type ProbeAcceleratorOptions,
} from './accelerator/probe.ts';
export {
  FirmwareMissingError,
  FreezeDisksError,
  HypervisorError,
  isTransientHypervisorError,
  MachineCancelledError,
  MachineGoneError,
  MachineSpecError,
  MachineStartError,
  MachineTimeoutError,
  RestoreStateError,
  RuntimeDirError,
  SaveStateError,
  SocketPathTooLongError,
} from './errors.ts';
export type { GuestChannel } from './guest-channel.ts';
export type {
  FreezeDisksOptions,
  FrozenDisks,
  Hypervisor,
  Machine,
  SavedState,
  SaveStateOptions,
  StopOptions,
} from './hypervisor.ts';
export type { AcceleratorChoice, MachineBoot, MachineDisk, MachineSpec } from './machine-spec.ts';
export { createOverlay, isOverlay, type CreateOverlayOptions } from './overlay.ts';
export { createQemuHypervisor, type QemuHypervisorOptions } from './qemu/driver.ts';
export { findFirmware, type Firmware } from './qemu/firmware.ts';
export { createRuntimeDir, ensureRuntimeDir } from './runtime-dir.ts';
export type { StopAttempt, StopReport, StopRung } from './stop-ladder.ts';
export type { WaitOptions } from './wait.ts';
