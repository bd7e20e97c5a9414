import { probeAccelerator } from '../accelerator/probe.ts';
import type { Hypervisor, Machine } from '../hypervisor.ts';
import type { MachineSpec } from '../machine-spec.ts';
import { validateSpec } from '../validate-spec.ts';
import { createMachine } from './create-machine.ts';
import type { Firmware } from './firmware.ts';

export interface QemuHypervisorOptions {
  /** QEMU's program, a name or a path. Default `qemu-system-x86_64`. */
  readonly program?: string | undefined;
  /** Where the result of the accelerator probe is kept. Default: it is not kept. */
  readonly cacheDir?: string | undefined;
  /** UEFI firmware. Default: the installed OVMF. */
  readonly firmware?: Firmware | undefined;
  /** Monotonic clock in ms. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** QEMU on this host: q35, one process a machine, spoken to over QMP on a private UNIX socket. */
export function createQemuHypervisor(options: QemuHypervisorOptions = {}): Hypervisor {
  const { program = 'qemu-system-x86_64', cacheDir, firmware, now = () => performance.now() } = options;
  const choose = async (spec: MachineSpec, signal?: AbortSignal): Promise<Machine['accelerator']> => {
    if (spec.accelerator !== 'auto') return { name: spec.accelerator, reason: 'asked for' };
    const { accelerator, reason } = await probeAccelerator({ program, cacheDir, signal });
    return { name: accelerator, reason };
  };
  return {
    name: 'qemu',
    async create(spec, wait = {}) {
      validateSpec(spec);
      const accelerator = await choose(spec, wait.signal);
      return createMachine(spec, { program, accelerator, firmware, now }, wait);
    },
  };
}
