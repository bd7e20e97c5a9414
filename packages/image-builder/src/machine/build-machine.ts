import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createQemuHypervisor, type Machine, type MachineSpec, type SavedState } from '@osforge/hypervisor';
import { liveKey, type LiveKey, type PhaseContext } from '@osforge/pipeline';
import { decideVerdict, type VmEndEvidence, type VmVerdict } from '@osforge/vm-events';
import type { Subscription } from 'rxjs';
import type { BuildEnvironment } from '../build/environment.ts';
import type { ConsoleEvidence } from '../errors.ts';
import { consoleExcerpt } from './console-excerpt.ts';
import { forgetSecrets } from './forget-secrets.ts';
import { GuestSession, type CommandEnd, type CommandOptions } from './guest-session.ts';
import { rootFileSystemState } from './root-file-system.ts';
import { timedWait, waitTeller } from './vm-wait.ts';

const agentChannel = 'org.osforge.agent';

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
  /** Tells observers and returns the verdict, with `summary` in place of its own where given; never throws. */
  judge(evidence: VmEndEvidence, summary?: string): VmVerdict;
  /** Saves the machine's memory and freezes its disk; it goes on in `overlay`. */
  save(options: FreezeOptions & { statePath: string }): Promise<SavedState>;
  /** Freezes its disk alone. */
  freeze(options: FreezeOptions): Promise<void>;
  /** Whether the root file system of the ended machine was unmounted. */
  rootFileSystem(): Promise<'clean' | 'dirty' | 'unknown'>;
  /** Frees the private folder and the subscriptions; the machine itself must have ended. */
  dispose(): Promise<void>;
}

/** Where the disk goes on, and a signal that gives up. */
export interface FreezeOptions {
  readonly overlay: string;
  readonly signal: AbortSignal;
}

/** Deadline for writing the guest's memory to a file. */
const saveTimeoutMs = 5 * 60_000;

/** Console lines that an error keeps, and of them those that people and observers are shown at once. */
const keptConsoleLines = 100;
const shownConsoleLines = 20;

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
  const runtimeDir = path.resolve(tmpdir(), `osforge-vm-${randomBytes(6).toString('hex')}`);
  // Written down first: a kill right after the folder was made must not leave it to nobody.
  await context.ledger.register('directory-tree', runtimeDir);
  await mkdir(runtimeDir, { mode: 0o700 });
  const removeFolder = (): Promise<void> => rm(runtimeDir, { recursive: true, force: true });
  await mkdir(layout.logs, { recursive: true, mode: 0o700 });
  const consoleLog = path.join(layout.logs, 'console.log');
  const begin = options.restoreFrom === undefined ? 'started' : 'continued from its saved state';
  // All machines of a build write into one log: without a mark nobody could tell whose words the last ones are.
  await appendFile(consoleLog, `--- ${environment.now().toISOString()} machine ${begin}\n`, { mode: 0o600 });
  let disk = options.disk;
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
  const tellWait = waitTeller(bus);
  const subscriptions: Subscription[] = [
    machine.console$.subscribe((line) => bus?.publish('vm', 'vm.console', { line: secrets.mask(line) })),
  ];
  const channel = machine.channel(agentChannel);
  const session = new GuestSession({
    channel: {
      lines$: channel.lines$,
      send: (line) => channel.send(line),
    },
    ended: machine.ended,
    // Whatever an installer prints goes into logs and messages.
    mask: (text) => secrets.mask(text),
    onWait: tellWait,
  });
  const consoleLines = (): string[] =>
    machine.lastConsoleLines(keptConsoleLines).map((line) => secrets.mask(line));
  const evidence = (): ConsoleEvidence => ({ lastConsoleLines: consoleLines(), consoleLog });
  return {
    machine,
    session,
    folder: runtimeDir,
    ready: (wait) => session.ready(wait),
    evidence,
    judge: (end, summary) => {
      const decided = decideVerdict(end);
      const verdict = summary === undefined ? decided : { ...decided, summary };
      bus?.publish('vm', 'vm.verdict', {
        kind: verdict.kind,
        summary: verdict.summary,
        lastConsoleLines: consoleExcerpt(consoleLines(), shownConsoleLines),
        consoleLog,
      });
      return verdict;
    },
    save: async ({ overlay, signal, statePath }) => {
      const saved = await timedWait(
        'save',
        tellWait,
        () =>
          machine.saveState({
            statePath,
            overlays: { root: overlay },
            signal,
            timeoutMs: saveTimeoutMs,
          }),
        () => 'ok',
      );
      disk = overlay;
      // The guest's memory; QEMU makes the file by the umask, in a folder that only its owner enters.
      await chmod(statePath, 0o600);
      return saved;
    },
    freeze: async ({ overlay, signal }) => {
      await machine.freezeDisks({ overlays: { root: overlay }, signal, timeoutMs: saveTimeoutMs });
      disk = overlay;
    },
    // What cannot be read is not known, and then never clean.
    rootFileSystem: () => rootFileSystemState(environment, disk, runtimeDir).catch(() => 'unknown'),
    dispose: async () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
      await removeFolder();
      await forgetSecrets(consoleLog, secrets);
    },
  };
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
