import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { probeAccelerator } from '@osforge/hypervisor';
import type { BuildEnvironment } from '../build/environment.ts';
import { AcceleratorError } from '../errors.ts';

export interface ChosenAccelerator {
  readonly accelerator: 'kvm' | 'tcg';
  /** One sentence for a person. */
  readonly reason: string;
}

const choosing = new WeakMap<BuildEnvironment, Promise<ChosenAccelerator>>();

/**
 * What the build machine will run by, found out once for a build. Where KVM only pretends to work the probe takes
 * seconds, so `disk` asks for it early and `vm-setup` finds the answer. A failed attempt is not kept.
 * @throws AcceleratorError where the recipe insists on KVM
 */
export async function chooseAccelerator(
  environment: BuildEnvironment,
  signal: AbortSignal,
): Promise<ChosenAccelerator> {
  let promise = choosing.get(environment);
  if (!promise) {
    promise = choose(environment, signal);
    choosing.set(environment, promise);
    promise.catch(() => choosing.delete(environment));
  }
  return promise;
}

async function choose({ recipe, layout }: BuildEnvironment, signal: AbortSignal): Promise<ChosenAccelerator> {
  const wanted = recipe.vm.accelerator;
  if (wanted === 'tcg') return { accelerator: 'tcg', reason: 'the recipe asks for it' };
  // In the build's own folder: what a kill leaves there is removed before the next probe, or with the build.
  const temporaryDirectory = path.join(layout.work, 'probe');
  await rm(temporaryDirectory, { recursive: true, force: true });
  await mkdir(temporaryDirectory, { recursive: true });
  const cacheDir = path.join(layout.cache, 'probes');
  const probe = await probeAccelerator({ cacheDir, temporaryDirectory, signal });
  if (wanted === 'kvm' && probe.accelerator !== 'kvm') throw new AcceleratorError(probe.reason);
  return probe;
}
