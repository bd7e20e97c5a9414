import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createOverlay } from '@osforge/hypervisor';
import type { Phase, PhaseArtifact, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import {
  AppInstallError,
  BuildConsistencyError,
  doingOf,
  VmVerdictError,
  type InstallerEvidence,
} from '../errors.ts';
import { buildMachineKey, createBuildMachine, type BuildMachine } from '../machine/build-machine.ts';
import type { GuestLine } from '../machine/guest-protocol.ts';
import { holdMachine } from '../machine/hold.ts';
import { machinePlan } from '../machine/machine-plan.ts';
import { throwWithVerdict, unexpectedEnd, type EndContext } from '../machine/unexpected-end.ts';
import type { App } from '../recipe/recipe.ts';
import { referencedFiles } from '../recipe/referenced-files.ts';
import { isSecretReference, resolveSecret } from '../recipe/secret-reference.ts';
import { scriptName } from './app-medium.ts';
import { describeStep, explainReason } from './app-step.ts';
import { artifactPath, recordedNumber } from './artifacts.ts';
import { skipWithoutApps } from './skip.ts';
import { diskLinks } from './vm-start.ts';

const keptLines = 40;

const preparing: EndContext = {
  during: 'before the first application was installed',
  overdue: "The guest's agent did not answer",
};

/** Phase 9: installs the applications inside the running machine from the apps medium, without network. */
export function appInstallPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  const state = path.join(layout.work, 'vm-installed.state');
  return {
    name: 'app-install',
    version: '1',
    weight: 14,
    dependsOn: ['vm-start', 'apps', 'vm-setup', 'disk'],
    // A deadline decides whether there is a result, not what it is.
    inputs: async () => ({
      files: await referencedFiles(
        recipe.apps.flatMap(({ scripts }) => scripts.flatMap(({ env }) => Object.values(env))),
        environment.recipeDirectory,
      ),
    }),
    skip: skipWithoutApps(recipe),
    run: async (context) => {
      const links = diskLinks(layout.work);
      const build = context.live.get(buildMachineKey) ?? (await restoreBooted(environment, context));
      await build.machine.insertMedium('medium', artifactPath(layout, context.upstream('apps'), 'medium'));
      const settings = { timeoutMs: 60_000, signal: context.signal, context: preparing };
      // A restored machine's clock stands where its state was saved.
      await command(build, 'time', String(Math.floor(environment.now().getTime() / 1000)), settings);
      const secrets = await sendSecrets(environment, build, settings);
      const installer = await install(environment, context, build);
      const artifacts: PhaseArtifact[] = [
        { name: 'installed-disk', path: links.installed, retention: 'cache' },
      ];
      context.progress(0.95, 'saving the installed machine');
      await rm(links.final, { force: true });
      await rm(state, { force: true });
      const { signal } = context;
      try {
        await build.machine.ejectMedium('medium', { signal });
        if (secrets > 0) {
          // The guest's memory may hold what its scripts were given: it must not outlive the machine.
          await build.freeze({ overlay: links.final, signal });
        } else {
          const { sha256, sizeBytes } = await build.save({ statePath: state, overlay: links.final, signal });
          artifacts.push({
            name: 'installed-state',
            path: state,
            retention: 'transient',
            sha256,
            sizeBytes,
          });
        }
      } catch (error) {
        await throwWithVerdict(build, error, { during: afterTheLast, overdue: '', installer }, signal);
      }
      return { artifacts };
    },
  };
}

const afterTheLast = 'right after the last application was installed';

async function restoreBooted(environment: BuildEnvironment, context: PhaseContext): Promise<BuildMachine> {
  const { layout } = environment;
  const links = diskLinks(layout.work);
  const start = context.upstream('vm-start');
  context.progress(0.01, 'continuing the booted machine');
  await rm(links.installed, { force: true });
  await createOverlay({
    backing: { path: artifactPath(layout, start, 'booted-disk'), format: 'qcow2' },
    path: links.installed,
  });
  const build = await createBuildMachine(environment, context, machinePlan(environment, context), {
    disk: links.installed,
    restoreFrom: artifactPath(layout, start, 'booted-state'),
  });
  holdMachine(context, build);
  await build.machine.start({ signal: context.signal });
  return build;
}

/** Sends one command and turns every end but success into the error that says what happened. */
export async function command(
  build: BuildMachine,
  name: string,
  argument: string,
  options: {
    timeoutMs: number;
    signal: AbortSignal;
    context: EndContext;
    onLine?: (line: GuestLine) => void;
  },
): Promise<void> {
  const lastLines: string[] = [];
  const end = await build.session.command(name, argument, {
    ...options,
    onLine: (line) => {
      if (line.kind === 'log') keepLast(lastLines, line.text);
      options.onLine?.(line);
    },
  });
  if (end.kind === 'ok') return;
  if (end.kind === 'failed') {
    const output = lastLines.slice(-12).map((line) => `\n  | ${line}`);
    throw new BuildConsistencyError(
      `the build machine could not do "${name}" ${options.context.during}: ${end.text}${output.join('')}`,
    );
  }
  throw await unexpectedEnd(build, end, options.context);
}

function keepLast(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > keptLines) lines.shift();
}

async function sendSecrets(
  environment: BuildEnvironment,
  build: BuildMachine,
  settings: { timeoutMs: number; signal: AbortSignal; context: EndContext },
): Promise<number> {
  const { recipe, variables, recipeDirectory, secrets } = environment;
  let sent = 0;
  for (const app of recipe.apps) {
    for (const [index, script] of app.scripts.entries()) {
      for (const [name, value] of Object.entries(script.env)) {
        if (!isSecretReference(value)) continue;
        const secret = secrets.add(
          await resolveSecret(value, { env: variables, directory: recipeDirectory }),
        );
        // One line, whatever is in it; the other side keeps it in memory.
        const line = `${app.name}/${scriptName(index, script)} ${name} ${Buffer.from(secret).toString('base64')}`;
        await command(build, 'env', line, settings);
        sent += 1;
      }
    }
  }
  return sent;
}

/** Installs them all. Returns what the installer said last, for whoever finds the machine gone afterwards. */
async function install(
  environment: BuildEnvironment,
  context: PhaseContext,
  build: BuildMachine,
): Promise<InstallerEvidence> {
  const { recipe, bus } = environment;
  const count = recipe.apps.length;
  const lastLines: string[] = [];
  const packages = recordedNumber(context.upstream('apps'), 'packageCount');
  let installed = 0;
  let configured = 0;
  let current = { app: recipe.apps[0]?.name ?? '', step: 'install' };
  let failed: { app: string; step: string; reason: string } | undefined;
  const onLine = (line: GuestLine): void => {
    if (line.kind === 'log') {
      keepLast(lastLines, line.text);
      context.log(line.text);
      // dpkg unpacks and sets up each package, which is most of the work.
      if (/^(Unpacking|Setting up) /.test(line.text)) {
        configured += 0.5;
        const share = Math.min(1, configured / Math.max(1, packages));
        context.progress(0.05 + 0.8 * share, `${current.app}: ${line.text.slice(0, 60)}`);
      }
    }
    if (line.kind !== 'app') return;
    bus?.publish('guest', 'guest.step', {
      app: line.app,
      step: line.step,
      state: line.state,
      ...(line.text === '' ? {} : { message: line.text }),
    });
    if (line.state === 'started') {
      lastLines.length = 0;
      current = { app: line.app, step: line.step };
    }
    // The first failure names the step; the ones behind it only repeat it for the whole application.
    if (line.state === 'failed') failed ??= { app: line.app, step: line.step, reason: line.text || 'failed' };
    if (line.step !== 'install') {
      context.progress(0.05 + (0.88 * installed) / count, `${line.app}: ${line.step} ${line.state}`);
    } else if (line.state === 'succeeded') {
      installed += 1;
      context.progress(0.05 + (0.88 * installed) / count, `${line.app}: installed`);
    } else if (line.state === 'progress') {
      const [done = 0, total = 1] = line.text.split('/').map(Number);
      context.progress(0.05 + (0.88 * (installed + done / total)) / count);
    }
  };
  const end = await build.session.command('install', '', {
    timeoutMs: recipe.vm.timeouts.appMs,
    signal: context.signal,
    onLine,
    restartsDeadline: (line) => line.kind === 'app' && line.step === 'install' && line.state === 'started',
  });
  const appOf = (name: string): App | undefined => recipe.apps.find((app) => app.name === name);
  const evidence = (at: { app: string; step: string }): InstallerEvidence => {
    const app = appOf(at.app);
    // Steps that belong to no application prepare the medium they all come from.
    const doing = app ? describeStep(app, at.step) : 'reading the medium with the applications';
    return { app: app?.name ?? '', step: at.step, doing, lastLines };
  };
  if (end.kind === 'ok') return evidence(current);
  if (end.kind === 'failed') {
    const { reason, ...at } = failed ?? { ...current, app: '', reason: end.text };
    throw new AppInstallError(evidence(at), explainReason(reason), build.evidence());
  }
  const installer = evidence(current);
  const error = await unexpectedEnd(build, end, {
    // All of them can be in before the machine says that it has nothing left to do.
    during: installed === count ? afterTheLast : `during ${doingOf(installer)}`,
    overdue: `${installer.app === '' ? 'It' : `Application "${installer.app}"`} was not done`,
    deadline: 'vm.timeouts.app',
    installer,
  });
  if (error instanceof VmVerdictError && error.verdict.kind === 'clean') {
    throw new AppInstallError(installer, 'the machine was powered off in the middle of it', error.evidence);
  }
  throw error;
}
