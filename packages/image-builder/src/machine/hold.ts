import type { PhaseContext } from '@osforge/pipeline';
import { buildMachineKey, type BuildMachine } from './build-machine.ts';

/** How long a cancelled or failed build waits for its guest to shut down before it is switched off. */
const gracefulStopMs = 3000;

/** Hands a machine to the later phases and to the end of the run, which shuts it down if nobody has. */
export function holdMachine(context: PhaseContext, build: BuildMachine): void {
  context.live.set(buildMachineKey, build, async ({ signal }) => {
    try {
      await build.machine.stop({ gracefulTimeoutMs: gracefulStopMs, signal });
    } finally {
      await build.machine.kill();
      await build.dispose();
    }
  });
}
