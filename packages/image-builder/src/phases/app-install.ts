import { rm } from 'node:fs/promises';
import path from 'node:path';
import { createOverlay } from '@osforge/hypervisor';
import type { Phase, PhaseArtifact, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { AppInstallError } from '../errors.ts';
import {
  buildMachineKey,
  createBuildMachine,
  unexpectedEnd,
  type BuildMachine,
} from '../machine/build-machine.ts';
import type { GuestLine } from '../machine/guest-protocol.ts';
import { holdMachine } from '../machine/hold.ts';
import { machinePlan } from '../machine/machine-plan.ts';
import { isSecretReference, resolveSecret } from '../recipe/secret-reference.ts';
import { scriptName } from './app-medium.ts';
import { artifactPath } from './artifacts.ts';
import { skipWithoutApps } from './skip.ts';
import { diskLinks, saveStateTimeoutMs } from './vm-start.ts';

const keptLines = 40;

/** Phase 9: installs the applications inside the running machine from the apps medium, without network. */
export function appInstallPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  const state = path.join(layout.work, 'vm-installed.state');
  return {
    name: 'app-install',
    version: '1',
    weight: 14,
    dependsOn: ['vm-start', 'apps', 'vm-setup', 'disk'],
    inputs: () => ({ appMs: recipe.vm.timeouts.appMs }),
    skip: skipWithoutApps(recipe),
    run: async (context) => {
      const links = diskLinks(layout.work);
      const build = context.live.get(buildMachineKey) ?? (await restoreBooted(environment, context));
      await build.machine.insertMedium('medium', artifactPath(layout, context.upstream('apps'), 'medium'));
      const settings = { timeoutMs: 60_000, signal: context.signal };
      // A restored machine's clock stands where its state was saved.
      await command(build, 'time', String(Math.floor(environment.now().getTime() / 1000)), settings);
      const secrets = await sendSecrets(environment, build, settings);
      await install(environment, context, build);
      await build.machine.ejectMedium('medium');
      const artifacts: PhaseArtifact[] = [
        { name: 'installed-disk', path: links.installed, retention: 'cache' },
      ];
      context.progress(0.95, 'saving the installed machine');
      await rm(links.final, { force: true });
      await rm(state, { force: true });
      const saved = await build.machine.saveState({
        statePath: state,
        overlays: { root: links.final },
        signal: context.signal,
        timeoutMs: saveStateTimeoutMs,
      });
      if (secrets > 0) {
        // The guest's memory may hold what its scripts were given: it must not outlive the machine.
        await rm(state, { force: true });
      } else {
        artifacts.push({
          name: 'installed-state',
          path: state,
          retention: 'transient',
          sha256: saved.sha256,
          sizeBytes: saved.sizeBytes,
        });
      }
      return { artifacts };
    },
  };
}

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
  options: { timeoutMs: number; signal: AbortSignal; onLine?: (line: GuestLine) => void },
): Promise<void> {
  const end = await build.session.command(name, argument, options);
  if (end.kind === 'ok') return;
  if (end.kind === 'failed') {
    throw new AppInstallError({
      app: '(agent)',
      step: name,
      reason: end.text,
      lastLines: [],
      evidence: build.evidence(),
    });
  }
  throw await unexpectedEnd(build, end, `during "${name}"`);
}

async function sendSecrets(
  environment: BuildEnvironment,
  build: BuildMachine,
  settings: { timeoutMs: number; signal: AbortSignal },
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
        await command(build, 'env', `${app.name}/${scriptName(index, script)} ${name}=${secret}`, settings);
        sent += 1;
      }
    }
  }
  return sent;
}

async function install(
  environment: BuildEnvironment,
  context: PhaseContext,
  build: BuildMachine,
): Promise<void> {
  const { recipe, bus } = environment;
  const count = recipe.apps.length;
  const lastLines: string[] = [];
  let installed = 0;
  let failed: { app: string; step: string; reason: string } | undefined;
  const onLine = (line: GuestLine): void => {
    if (line.kind === 'log') {
      lastLines.push(line.text);
      if (lastLines.length > keptLines) lastLines.shift();
      context.log(line.text);
    }
    if (line.kind !== 'app') return;
    bus?.publish('guest', 'guest.step', {
      app: line.app,
      step: line.step,
      state: line.state,
      ...(line.text === '' ? {} : { message: line.text }),
    });
    if (line.state === 'started') lastLines.length = 0;
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
  if (end.kind === 'ok') return;
  if (end.kind === 'failed') {
    const { app, step, reason } = failed ?? { app: '(medium)', step: 'install', reason: end.text };
    throw new AppInstallError({ app, step, reason, lastLines, evidence: build.evidence() });
  }
  throw await unexpectedEnd(build, end, 'while applications were being installed');
}
