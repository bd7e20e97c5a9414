import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Phase } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { assertOwn } from '../build/ledger-handlers.ts';

/** Phase 14: removes what no later build can use: temporary folders and the memory of the installed machine. */
export function cleanupPhase(environment: BuildEnvironment): Phase {
  const { layout } = environment;
  return {
    name: 'cleanup',
    version: '1',
    weight: 0.1,
    dependsOn: ['usb', 'capture'],
    reads: [],
    inputs: () => ({}),
    run: async (context) => {
      const released = await context.releaseTransient();
      for (const { path: file } of released) {
        await assertOwn(file, layout.directory);
        await rm(file, { force: true });
      }
      const freedBytes = released.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
      await rm(path.join(layout.work, 'disk', 'tree'), { recursive: true, force: true });
      return { artifacts: [], data: { freedBytes } };
    },
  };
}
