import { rm } from 'node:fs/promises';
import { createOverlay } from '@osforge/hypervisor';
import type { Phase, PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { VmVerdictError } from '../errors.ts';
import {
  bootMachine,
  buildMachineKey,
  createBuildMachine,
  type BuildMachine,
} from '../machine/build-machine.ts';
import { holdMachine } from '../machine/hold.ts';
import { machinePlan } from '../machine/machine-plan.ts';
import { unexpectedEnd, type EndContext } from '../machine/unexpected-end.ts';
import { timedWait, waitTeller } from '../machine/vm-wait.ts';
import { command } from './app-install.ts';
import { artifactPath } from './artifacts.ts';
import { skipWithoutApps } from './skip.ts';
import { booting, diskLinks } from './vm-start.ts';

const deadline = 'vm.timeouts.shutdown';

const atPowerOff: EndContext = { during: 'at power-off', overdue: 'The guest had not powered off', deadline };

/** Phase 10: the machine generalizes itself and powers off; only a clean end goes on to capture. */
export function vmShutdownPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  return {
    name: 'vm-shutdown',
    version: '1',
    weight: 4,
    dependsOn: ['app-install', 'vm-setup', 'disk'],
    inputs: () => ({}),
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
      await command(build, 'generalize', '', {
        ...settings,
        context: {
          during: 'while the image was being generalized',
          overdue: 'The generalization was not done',
          deadline,
        },
      });
      context.progress(0.5, 'powering off');
      const powerOff = await build.session.command('poweroff', '', settings);
      if (powerOff.kind === 'timeout') throw await unexpectedEnd(build, powerOff, atPowerOff);
      const end = await timedWait(
        'end',
        waitTeller(environment.bus),
        () => build.machine.waitForEnd({ timeoutMs: shutdownMs, signal: context.signal }),
        ({ timedOut }) => (timedOut ? 'timeout' : 'ok'),
      );
      if (end.timedOut)
        throw await unexpectedEnd(build, { kind: 'timeout', timeoutMs: shutdownMs }, atPowerOff);
      // Only a machine that has let go of its disk can be asked for more than its own word.
      const filesystem = end.exit === undefined ? 'unknown' : await build.rootFileSystem();
      const verdict = build.judge({ ...end, filesystem });
      const evidence = build.evidence();
      await context.live.dispose(buildMachineKey, context.signal);
      if (verdict.kind !== 'clean') throw new VmVerdictError(verdict, evidence, atPowerOff.during);
      return {
        artifacts: [{ name: 'final-disk', path: links.final, retention: 'cache' }],
        data: { verdict: verdict.kind, summary: verdict.summary },
      };
    },
  };
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
    if (end.kind !== 'ok') throw await unexpectedEnd(build, end, booting('while it booted again'));
  }
  return build;
}
