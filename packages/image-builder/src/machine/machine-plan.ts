import type { PhaseContext } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { artifactPath, recordedText } from '../phases/artifacts.ts';
import type { MachinePlan } from './build-machine.ts';

/** Reads back what `disk` and `vm-setup` recorded. */
export function machinePlan(environment: BuildEnvironment, context: PhaseContext): MachinePlan {
  const { layout } = environment;
  const disk = context.upstream('disk');
  const setup = context.upstream('vm-setup');
  return {
    accelerator: recordedText(setup, 'accelerator') === 'kvm' ? 'kvm' : 'tcg',
    kernel: artifactPath(layout, disk, 'kernel'),
    initrd: artifactPath(layout, disk, 'initrd'),
    commandLine: recordedText(setup, 'commandLine'),
    agentDisk: artifactPath(layout, setup, 'agent'),
    generalizeDisk: artifactPath(layout, setup, 'generalize'),
  };
}
