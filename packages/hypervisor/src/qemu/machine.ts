import { observeVmEnd, waitForState, type QmpClient, type VmEventSource } from '@osforge/vm-events';
import type { RunningProcess } from '@osforge/process';
import type { SerialConsole } from '../console/serial-console.ts';
import { MachineSpecError } from '../errors.ts';
import type { GuestChannel } from '../guest-channel.ts';
import type { Machine } from '../hypervisor.ts';
import type { MachineSpec } from '../machine-spec.ts';
import { climbStopLadder, type StopStep } from '../stop-ladder.ts';
import { settlesWithin, type WaitOptions } from '../wait.ts';
import { freezeDisks, type TopNode } from './freeze-disks.ts';
import { ejectMedium, insertMedium } from './medium.ts';
import { saveState } from './save-state.ts';

export interface QemuMachineParts {
  readonly spec: MachineSpec;
  readonly process: RunningProcess;
  readonly accelerator: Machine['accelerator'];
  readonly qmp: QmpClient;
  readonly source: VmEventSource;
  readonly console: SerialConsole;
  readonly channels: ReadonlyMap<string, GuestChannel>;
  readonly socketFolder: string;
  /** Settles when the process is gone and the sockets' folder is removed. */
  readonly cleaned: Promise<void>;
  /** Resolves when all that the guest wrote to its console and its channels is read. */
  readonly drained: Promise<void>;
  /** Monotonic clock in ms. */
  readonly now: () => number;
}

const MEDIUM_TIMEOUT_MS = 60_000;
const CONSOLE_TIMEOUT_MS = 600_000;
const CONSOLE_SEND_TIMEOUT_MS = 30_000;
// SIGKILL takes effect when the kernel has ended the process's I/O; only a hanging disk takes longer.
const SIGKILL_TIMEOUT_MS = 30_000;
// Between the end of the process and that of its sockets lies no more than a turn of the event loop.
const DRAIN_TIMEOUT_MS = 5000;

/** A running QEMU as a {@link Machine}. */
export function qemuMachine(parts: QemuMachineParts): Machine {
  const { spec, process: qemu, qmp, source, console, now } = parts;
  const { exited } = qemu;
  const tops = new Map<string, TopNode>(
    spec.disks
      .filter((disk) => disk.readOnly !== true)
      .map(({ id, path }) => [id, { id, path, nodeName: id, generation: 0 }]),
  );
  // Who is told that a machine ended may rely on having heard its last words, and on nothing being left of it.
  const heard = exited.then(async (exit) => {
    await settlesWithin(Promise.all([parts.drained, parts.cleaned]), { timeoutMs: DRAIN_TIMEOUT_MS });
    return exit;
  });
  heard.catch(() => undefined);
  const gone = (timeoutMs: number, signal?: AbortSignal): Promise<boolean> =>
    settlesWithin(exited, { timeoutMs, signal });
  return {
    name: spec.name,
    pid: qemu.pid,
    accelerator: parts.accelerator,
    qmp,
    source,
    console$: console.lines$,
    lastConsoleLines: (count) => console.lastLines(count),
    waitForConsole: (pattern, options) =>
      console.waitFor(pattern, { timeoutMs: CONSOLE_TIMEOUT_MS, ...options }),
    sendToConsole: (text, options) => console.send(text, { timeoutMs: CONSOLE_SEND_TIMEOUT_MS, ...options }),
    consoleLog: spec.consoleLog,
    channel(name) {
      const channel = parts.channels.get(name);
      if (channel === undefined) throw new MachineSpecError('channels', `there is no "${name}"`);
      return channel;
    },
    async start(options) {
      await qmp.execute('cont', undefined, options);
    },
    async pause(options) {
      await qmp.execute('stop', undefined, options);
    },
    ended: observeVmEnd({ qmp, exited: heard }),
    waitForEnd: (options) => observeVmEnd({ qmp, exited: heard, ...options }),
    waitForState: (target, options) => waitForState(source, target, options),
    insertMedium: (id, path, options) =>
      insertMedium(qmp, id, path, { timeoutMs: MEDIUM_TIMEOUT_MS, ...options }),
    ejectMedium: (id, options) => ejectMedium(qmp, id, { timeoutMs: MEDIUM_TIMEOUT_MS, ...options }),
    freezeDisks: (options) => freezeDisks({ qmp, tops, now }, options),
    saveState: (options) => saveState({ qmp, socketFolder: parts.socketFolder, tops, now }, options),
    async stop({ gracefulTimeoutMs = 60_000, quitTimeoutMs = 10_000, signal } = {}) {
      const steps: StopStep[] = [
        {
          rung: 'acpi',
          timeoutMs: gracefulTimeoutMs,
          skip: () =>
            gracefulTimeoutMs <= 0
              ? 'no time was given for it'
              : whyNoButton(source, { timeoutMs: quitTimeoutMs, signal }),
          act: async () => {
            await qmp.execute('system_powerdown', undefined, { timeoutMs: quitTimeoutMs, signal });
          },
        },
        {
          rung: 'quit',
          timeoutMs: quitTimeoutMs,
          act: async () => {
            await qmp.execute('quit', undefined, { timeoutMs: quitTimeoutMs, signal });
          },
        },
        { rung: 'sigterm', timeoutMs: quitTimeoutMs, act: () => void qemu.kill('SIGTERM') },
        { rung: 'sigkill', timeoutMs: SIGKILL_TIMEOUT_MS, act: () => void qemu.kill('SIGKILL') },
      ];
      const report = await climbStopLadder(steps, { endsWithin: gone, signal, now });
      await parts.cleaned;
      return report;
    },
    async kill() {
      qemu.kill('SIGKILL');
      await exited.catch(() => undefined);
      await parts.cleaned;
    },
  };
}

/** A guest whose processors stand still cannot notice its power button. */
async function whyNoButton(source: VmEventSource, options: WaitOptions): Promise<string | undefined> {
  try {
    const state = await source.readState(options);
    return state === 'running' ? undefined : `the guest does not run (${state})`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
