import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { dirname, join } from 'node:path';
import { start, type RunningProcess } from '@osforge/process';
import { connectQmp, qmpEventSource } from '@osforge/vm-events';
import { ConsoleLog } from '../console/console-log.ts';
import { makeConsolePipes, type ConsolePipes } from '../console/console-pipes.ts';
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
  let consolePipes: ConsolePipes | undefined;
  let qemu: RunningProcess | undefined;
  const lastLines: string[] = [];
  const clean = async (): Promise<void> => {
    for (const one of listening) one.close();
    consolePipes?.close();
    await rm(socketFolder, { recursive: true, force: true });
  };
  try {
    const listen = async (name: string): Promise<Listening> => {
      const one = await listenOnce(socketPath(socketFolder, name));
      listening.push(one);
      return one;
    };
    const qmpSocket = await listen('qmp');
    consolePipes = await makeConsolePipes(socketFolder);
    const channelSockets: Listening[] = [];
    for (const index of spec.channels.keys()) channelSockets.push(await listen(`c${index}`));
    const sockets = {
      qmp: qmpSocket.path,
      console: consolePipes.path,
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
        assemble(spec, context, { qemu, qmpSocket, consolePipes, channelSockets, socketFolder, clean }),
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
  readonly consolePipes: ConsolePipes;
  readonly channelSockets: readonly Listening[];
  readonly socketFolder: string;
  readonly clean: () => Promise<void>;
}

async function assemble(
  spec: MachineSpec,
  context: CreateMachineContext,
  started: Started,
): Promise<Machine> {
  const { qemu, qmpSocket, consolePipes, channelSockets, socketFolder, clean } = started;
  // Readers are attached as soon as a peer is there, so that no byte comes before them.
  const channelsClosed = channelSockets.map((one) => one.connected.then(closed));
  const channels = channelSockets.map((one, index) =>
    one.connected.then((socket: Socket) => guestChannel(spec.channels[index] ?? '', socket)),
  );
  // They are awaited below; until then a failure of theirs must not count as unhandled.
  for (const one of [...channelsClosed, ...channels]) one.catch(() => undefined);
  const qmp = await connectQmp({ stream: await qmpSocket.connected });
  const source = qmpEventSource({ qmp, exited: qemu.exited });
  // A QEMU that answers has opened its console, and its guest still stands.
  const pipes = consolePipes.connect();
  const console = new SerialConsole(pipes, new ConsoleLog(spec.consoleLog));
  const consoleClosed = closed(pipes.reader);
  await enableMigrationEvents(qmp);
  const drained = Promise.all([consoleClosed, ...channelsClosed]).then(() => undefined);
  drained.catch(() => undefined);
  const parts = {
    console,
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

function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', () => {
      resolve();
    });
  });
}
