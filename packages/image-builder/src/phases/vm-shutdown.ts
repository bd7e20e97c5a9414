import { rm } from 'node:fs/promises';
import { openImage, readExt4State } from '@osforge/disk-image';
import { createOverlay } from '@osforge/hypervisor';
import type { Phase, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { VmVerdictError } from '../errors.ts';
import {
  bootMachine,
  buildMachineKey,
  createBuildMachine,
  unexpectedEnd,
  type BuildMachine,
} from '../machine/build-machine.ts';
import { holdMachine } from '../machine/hold.ts';
import { machinePlan } from '../machine/machine-plan.ts';
import { command } from './app-install.ts';
import { artifactPath } from './artifacts.ts';
import { identifiersOf, imageLayout } from './disk.ts';
import { skipWithoutApps } from './skip.ts';
import { diskLinks } from './vm-start.ts';

/** Phase 10: the machine generalizes itself and powers off; only a clean end goes on to capture. */
export function vmShutdownPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  return {
    name: 'vm-shutdown',
    version: '1',
    weight: 4,
    dependsOn: ['app-install', 'vm-setup', 'disk'],
    inputs: () => ({ shutdownMs: recipe.vm.timeouts.shutdownMs }),
    skip: skipWithoutApps(recipe),
    run: async (context) => {
      const links = diskLinks(layout.work);
      const { shutdownMs } = recipe.vm.timeouts;
      const build = context.live.get(buildMachineKey) ?? (await restoreInstalled(environment, context));
      const settings = {
        timeoutMs: shutdownMs,
        signal: context.signal,
        onLine: (line: { kind: string; text?: string }) => {
          if (line.kind === 'log') context.log(line.text ?? '');
        },
      };
      context.progress(0.1, 'generalizing');
      await command(build, 'generalize', '', settings);
      context.progress(0.5, 'powering off');
      const powerOff = await build.session.command('poweroff', '', settings);
      if (powerOff.kind === 'timeout') throw await unexpectedEnd(build, powerOff, 'at power-off');
      const end = await build.machine.waitForEnd({ timeoutMs: shutdownMs, signal: context.signal });
      if (end.timedOut)
        throw await unexpectedEnd(build, { kind: 'timeout', timeoutMs: shutdownMs }, 'at power-off');
      const filesystem = await rootFileSystemState(environment, links.final, build.folder);
      const verdict = build.judge({ ...end, filesystem });
      const evidence = build.evidence();
      await context.live.dispose(buildMachineKey, context.signal);
      if (verdict.kind !== 'clean') throw new VmVerdictError(verdict, evidence, 'at power-off');
      return {
        artifacts: [{ name: 'final-disk', path: links.final, retention: 'cache' }],
        data: { verdict: verdict.kind, summary: verdict.summary },
      };
    },
  };
}

/** The file system's own word on whether it was unmounted. */
async function rootFileSystemState(
  environment: BuildEnvironment,
  disk: string,
  temporaryDirectory: string,
): Promise<'clean' | 'dirty'> {
  const root = imageLayout(environment, identifiersOf(environment)).partitions[1];
  const reader = await openImage(disk, 'qcow2', { temporaryDirectory });
  try {
    const { state } = await readExt4State(reader, root?.startBytes ?? 0);
    return state === 'clean' ? 'clean' : 'dirty';
  } finally {
    await reader.close();
  }
}

/**
 * Continues the machine as it was after the last application. Where its memory was not kept (it had been given
 * secrets) it boots again from the disk, which was synchronized then.
 */
async function restoreInstalled(environment: BuildEnvironment, context: PhaseContext): Promise<BuildMachine> {
  const { layout, recipe } = environment;
  const links = diskLinks(layout.work);
  const installed = context.upstream('app-install');
  const hasState = installed.artifacts.some(({ name }) => name === 'installed-state');
  await rm(links.final, { force: true });
  await createOverlay({
    backing: { path: artifactPath(layout, installed, 'installed-disk'), format: 'qcow2' },
    path: links.final,
  });
  context.progress(0.02, hasState ? 'continuing the installed machine' : 'booting the installed machine');
  const build = await createBuildMachine(environment, context, machinePlan(environment, context), {
    disk: links.final,
    ...(hasState ? { restoreFrom: artifactPath(layout, installed, 'installed-state') } : {}),
  });
  holdMachine(context, build);
  if (hasState) await build.machine.start({ signal: context.signal });
  else {
    const end = await bootMachine(build, { timeoutMs: recipe.vm.timeouts.bootMs, signal: context.signal });
    if (end.kind !== 'ok') throw await unexpectedEnd(build, end, 'while it booted again');
  }
  return build;
}
