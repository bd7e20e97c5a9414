import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createOverlay } from '@osforge/hypervisor';
import type { Phase } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { bootMachine, createBuildMachine } from '../machine/build-machine.ts';
import { holdMachine } from '../machine/hold.ts';
import { machinePlan } from '../machine/machine-plan.ts';
import { unexpectedEnd, type EndContext } from '../machine/unexpected-end.ts';
import { artifactPath } from './artifacts.ts';
import { skipWithoutApps } from './skip.ts';

/** The disks of the build machine form a chain; each phase freezes its own link when it is done. */
export function diskLinks(work: string): { booted: string; installed: string; final: string } {
  const folder = path.join(work, 'vm-disks');
  return {
    booted: path.join(folder, '1-booted.qcow2'),
    installed: path.join(folder, '2-installed.qcow2'),
    final: path.join(folder, '3-final.qcow2'),
  };
}

/** For the error of a machine that does not come up. */
export function booting(during: string): EndContext {
  return { during, overdue: "The guest's agent did not answer", deadline: 'vm.timeouts.boot' };
}

/**
 * Phase 8: boots the machine until its agent answers, then saves memory and disk. That saved machine is the phase's
 * artifact: a build that is killed later, or whose applications change, continues from it without booting again.
 */
export function vmStartPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  const state = path.join(layout.work, 'vm-booted.state');
  return {
    name: 'vm-start',
    version: '1',
    weight: 12,
    dependsOn: ['vm-setup', 'disk'],
    inputs: () => ({
      memoryMiB: recipe.vm.memoryMiB,
      cpus: recipe.vm.cpus,
      // The links of the disk name each other by absolute path: a moved build makes its machine again.
      folder: layout.work,
    }),
    skip: skipWithoutApps(recipe),
    run: async (context) => {
      const links = diskLinks(layout.work);
      await rm(path.dirname(links.booted), { recursive: true, force: true });
      await mkdir(path.dirname(links.booted), { recursive: true, mode: 0o700 });
      await createOverlay({
        backing: { path: artifactPath(layout, context.upstream('disk'), 'disk'), format: 'raw' },
        path: links.booted,
      });
      const build = await createBuildMachine(environment, context, machinePlan(environment, context), {
        disk: links.booted,
      });
      holdMachine(context, build);
      context.progress(0.05, 'booting');
      const end = await bootMachine(build, { timeoutMs: recipe.vm.timeouts.bootMs, signal: context.signal });
      if (end.kind !== 'ok') throw await unexpectedEnd(build, end, booting('while it booted'));
      context.progress(0.9, 'saving the booted machine');
      await rm(state, { force: true });
      const saved = await build.save({ statePath: state, overlay: links.installed, signal: context.signal });
      return {
        artifacts: [
          {
            name: 'booted-state',
            path: state,
            retention: 'cache',
            sha256: saved.sha256,
            sizeBytes: saved.sizeBytes,
          },
          { name: 'booted-disk', path: links.booted, retention: 'cache' },
        ],
      };
    },
  };
}
