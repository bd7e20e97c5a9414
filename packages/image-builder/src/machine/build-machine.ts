import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createQemuHypervisor, type Machine, type MachineSpec } from '@osforge/hypervisor';
import { liveKey, type LiveKey, type PhaseContext } from '@osforge/pipeline';
import { decideVerdict, type VmEndEvidence, type VmVerdict } from '@osforge/vm-events';
import { map, type Subscription } from 'rxjs';
import type { BuildEnvironment } from '../build/environment.ts';
import { VmVerdictError, type ConsoleEvidence } from '../errors.ts';
import { GuestSession, type CommandEnd, type CommandOptions } from './guest-session.ts';

export const agentChannel = 'org.osforge.agent';

/** The files and settings that a build machine is made of; recorded by `vm-setup`. */
export interface MachinePlan {
  readonly accelerator: 'kvm' | 'tcg';
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly agentDisk: string;
  readonly generalizeDisk: string;
}

/** A running build machine and the agent in it. */
export interface BuildMachine {
  readonly machine: Machine;
  readonly session: GuestSession;
  /** Its private folder: short enough for sockets, and in the ledger until `dispose`. */
  readonly folder: string;
  /** Waits for the agent's first word; only for a machine that boots. */
  ready(options: CommandOptions): Promise<CommandEnd>;
  evidence(): ConsoleEvidence;
  /** Tells observers and returns the verdict; never throws. */
  judge(evidence: VmEndEvidence): VmVerdict;
  /** Frees the private folder and the subscriptions; the machine itself must have ended. */
  dispose(): Promise<void>;
}

/** The running machine is handed from phase to phase; the run's end disposes of it. */
export const buildMachineKey: LiveKey<BuildMachine> = liveKey<BuildMachine>('build-machine');

/**
 * Makes a build machine on `disk`, or loads one from a saved state. It stands still until `machine.start()`, so that
 * nothing is said before somebody listens.
 */
export async function createBuildMachine(
  environment: BuildEnvironment,
  context: PhaseContext,
  plan: MachinePlan,
  options: { disk: string; restoreFrom?: string },
): Promise<BuildMachine> {
  const { recipe, layout, bus, secrets } = environment;
  const runtimeDir = path.join(tmpdir(), `osforge-vm-${randomBytes(6).toString('hex')}`);
  // Written down first: a kill right after the folder was made must not leave it to nobody.
  await context.ledger.register('directory-tree', runtimeDir);
  await mkdir(runtimeDir, { mode: 0o700 });
  const removeFolder = (): Promise<void> => rm(runtimeDir, { recursive: true, force: true });
  await mkdir(layout.logs, { recursive: true });
  const consoleLog = path.join(layout.logs, 'console.log');
  const spec: MachineSpec = {
    name: layout.buildId,
    memoryMiB: recipe.vm.memoryMiB,
    cpus: recipe.vm.cpus,
    accelerator: plan.accelerator,
    boot: { kind: 'kernel', kernel: plan.kernel, initrd: plan.initrd, commandLine: plan.commandLine },
    disks: [
      { id: 'root', path: options.disk, format: 'qcow2' },
      { id: 'osforge-agent', path: plan.agentDisk, format: 'raw', readOnly: true },
      { id: 'osforge-generalize', path: plan.generalizeDisk, format: 'raw', readOnly: true },
    ],
    cdrom: { id: 'medium' },
    channels: [agentChannel],
    runtimeDir,
    consoleLog,
    qemuLog: path.join(layout.logs, 'qemu.log'),
    network: 'none',
    ...(options.restoreFrom === undefined ? {} : { restoreFrom: options.restoreFrom }),
  };
  const machine = await createQemuHypervisor()
    .create(spec, { signal: context.signal })
    .catch(async (error: unknown) => {
      await removeFolder();
      throw error;
    });
  bus?.publish('vm', 'vm.state', {
    state: options.restoreFrom ? 'restored' : 'started',
    accelerator: plan.accelerator,
  });
  const subscriptions: Subscription[] = [
    machine.console$.subscribe((line) => bus?.publish('vm', 'vm.console', { line: secrets.mask(line) })),
  ];
  const channel = machine.channel(agentChannel);
  const session = new GuestSession({
    channel: {
      // Whatever an installer prints goes into logs and messages.
      lines$: channel.lines$.pipe(map((line) => secrets.mask(line))),
      send: (line) => channel.send(line),
    },
    ended: machine.ended,
  });
  const consoleLines = (): string[] => machine.lastConsoleLines(20).map((line) => secrets.mask(line));
  const evidence = (): ConsoleEvidence => ({ lastConsoleLines: consoleLines(), consoleLog });
  return {
    machine,
    session,
    folder: runtimeDir,
    ready: (wait) => session.ready(wait),
    evidence,
    judge: (end) => {
      const verdict = decideVerdict(end);
      bus?.publish('vm', 'vm.verdict', {
        kind: verdict.kind,
        summary: verdict.summary,
        lastConsoleLines: consoleLines(),
        consoleLog,
      });
      return verdict;
    },
    dispose: async () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
      await removeFolder();
    },
  };
}

/** The error for a machine that ended, failed or kept silent while something was waited for. */
export async function unexpectedEnd(
  build: BuildMachine,
  end: CommandEnd,
  during: string,
): Promise<VmVerdictError> {
  if (end.kind === 'machine-ended') {
    return new VmVerdictError(build.judge(end.evidence), build.evidence(), during);
  }
  // It does not answer. What it shows last is read before it is switched off.
  const error = new VmVerdictError(build.judge({ qmpEof: false, timedOut: true }), build.evidence(), during);
  await build.machine.kill();
  return error;
}

/** Lets a new machine run and waits for its agent. */
export async function bootMachine(build: BuildMachine, options: CommandOptions): Promise<CommandEnd> {
  const ready = build.ready(options);
  try {
    await build.machine.start({ signal: options.signal });
  } catch (error) {
    // The end of the wait is not of interest any more, only that it does not go unheard.
    ready.catch(() => undefined);
    throw error;
  }
  return ready;
}
