import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { start, type RunningProcess } from '@osforge/process';
import { connectQmp, qmpEventSource } from '@osforge/vm-events';
import { ConsoleLog } from '../console/console-log.ts';
import { SerialConsole } from '../console/serial-console.ts';
import { HypervisorError, MachineSpecError, MachineStartError } from '../errors.ts';
import { guestChannel } from '../guest-channel.ts';
import type { Machine } from '../hypervisor.ts';
import { listenOnce, type Listening } from '../listen-once.ts';
import type { MachineSpec } from '../machine-spec.ts';
import { createOverlay, isOverlay } from '../overlay.ts';
import { ensureRuntimeDir, socketPath } from '../runtime-dir.ts';
import { withDeadline, type WaitOptions } from '../wait.ts';
import { qemuArguments } from './arguments.ts';
import { ensureVariables, findFirmware, type Firmware } from './firmware.ts';
import { loadState } from './load-state.ts';
import { qemuMachine } from './machine.ts';
import { enableMigrationEvents } from './migration.ts';

export interface CreateMachineContext {
  readonly program: string;
  readonly accelerator: Machine['accelerator'];
  readonly firmware?: Firmware | undefined;
  /** Monotonic clock in ms. */
  readonly now: () => number;
}

const KEPT_QEMU_LINES = 20;

/** Starts QEMU with the guest paused; undoes everything on failure. */
export async function createMachine(
  spec: MachineSpec,
  context: CreateMachineContext,
  options: WaitOptions,
): Promise<Machine> {
  const timeoutMs = options.timeoutMs ?? (spec.restoreFrom === undefined ? 60_000 : 600_000);
  const firmware = await prepareFiles(spec, context.firmware);
  await ensureRuntimeDir(spec.runtimeDir);
  // A folder of its own, so that sockets of a killed run are never in the way.
  const socketFolder = await mkdtemp(join(spec.runtimeDir, 'vm-'));
  const listening: Listening[] = [];
  let qemu: RunningProcess | undefined;
  const lastLines: string[] = [];
  const clean = async (): Promise<void> => {
    for (const one of listening) one.close();
    await rm(socketFolder, { recursive: true, force: true });
  };
  try {
    const listen = async (name: string): Promise<Listening> => {
      const one = await listenOnce(socketPath(socketFolder, name));
      listening.push(one);
      return one;
    };
    const qmpSocket = await listen('qmp');
    const consoleSocket = await listen('console');
    const channelSockets: Listening[] = [];
    for (const index of spec.channels.keys()) channelSockets.push(await listen(`c${index}`));
    const sockets = {
      qmp: qmpSocket.path,
      console: consoleSocket.path,
      channels: channelSockets.map((one) => one.path),
    };
    const args = qemuArguments({ spec, accelerator: context.accelerator.name, sockets, firmware });
    qemu = start(context.program, args, {
      lifetime: 'child',
      ...(spec.qemuLog === undefined ? {} : { logFile: spec.qemuLog }),
      onLine: (line) => {
        lastLines.push(line);
        if (lastLines.length > KEPT_QEMU_LINES) lastLines.shift();
      },
    });
    return await withDeadline(
      `ready machine "${spec.name}"`,
      Promise.race([
        assemble(spec, context, { qemu, qmpSocket, consoleSocket, channelSockets, socketFolder, clean }),
        endedEarly(spec, qemu, lastLines),
      ]),
      { timeoutMs, signal: options.signal },
    );
  } catch (error) {
    if (qemu !== undefined) {
      qemu.kill('SIGKILL');
      await qemu.closed.catch(() => undefined);
    }
    await clean();
    if (error instanceof HypervisorError || qemu === undefined) throw error;
    const what = error instanceof Error ? error.message : String(error);
    throw new MachineStartError(spec.name, what, lastLines, error);
  }
}

async function prepareFiles(spec: MachineSpec, given: Firmware | undefined): Promise<Firmware | undefined> {
  await mkdir(dirname(spec.consoleLog), { recursive: true });
  for (const [index, disk] of spec.disks.entries()) {
    if (disk.backing !== undefined) {
      await createOverlay({ path: disk.path, backing: disk.backing });
    } else if (spec.restoreFrom !== undefined && disk.readOnly !== true && !(await isOverlay(disk.path))) {
      throw new MachineSpecError(
        `disks[${index}].path`,
        `${disk.path} is no overlay; a restored machine must not write to the frozen disk itself`,
      );
    }
  }
  if (spec.boot.kind !== 'uefi') return undefined;
  const firmware = given ?? (await findFirmware());
  await ensureVariables(firmware, spec.boot.variablesPath);
  return firmware;
}

async function endedEarly(spec: MachineSpec, qemu: RunningProcess, lastLines: string[]): Promise<never> {
  // `closed`, not `exited`: the reason stands in the last lines.
  const { exit } = await qemu.closed;
  const how = exit.signal === null ? `exit code ${String(exit.code)}` : exit.signal;
  throw new MachineStartError(spec.name, `QEMU ended (${how})`, lastLines);
}

interface Started {
  readonly qemu: RunningProcess;
  readonly qmpSocket: Listening;
  readonly consoleSocket: Listening;
  readonly channelSockets: readonly Listening[];
  readonly socketFolder: string;
  readonly clean: () => Promise<void>;
}

async function assemble(
  spec: MachineSpec,
  context: CreateMachineContext,
  started: Started,
): Promise<Machine> {
  const { qemu, qmpSocket, consoleSocket, channelSockets, socketFolder, clean } = started;
  // Readers are attached as soon as a peer is there, so that no byte comes before them.
  const console = consoleSocket.connected.then(
    (socket) => new SerialConsole(socket, new ConsoleLog(spec.consoleLog)),
  );
  const closes = [consoleSocket, ...channelSockets].map((one) =>
    one.connected.then(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once('close', () => {
            resolve();
          });
        }),
    ),
  );
  const drained = Promise.all(closes).then(() => undefined);
  const channels = channelSockets.map((one, index) =>
    one.connected.then((socket: Socket) => guestChannel(spec.channels[index] ?? '', socket)),
  );
  // They are awaited below; until then a failure of theirs must not count as unhandled.
  for (const one of [console, drained, ...channels]) one.catch(() => undefined);
  const qmp = await connectQmp({ stream: await qmpSocket.connected });
  const source = qmpEventSource({ qmp, exited: qemu.exited });
  await enableMigrationEvents(qmp);
  const parts = {
    console: await console,
    channels: new Map((await Promise.all(channels)).map((channel) => [channel.name, channel])),
  };
  if (spec.restoreFrom !== undefined) await loadState(qmp, socketFolder, spec.restoreFrom);
  const cleaned = qemu.exited.then(clean, clean);
  const { accelerator, now } = context;
  const process = qemu;
  return qemuMachine({
    ...{ spec, process, accelerator, qmp, source, socketFolder, cleaned, drained, now },
    ...parts,
  });
}
