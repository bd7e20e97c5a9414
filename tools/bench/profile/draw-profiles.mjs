import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flameGraph } from './flame-graph.mjs';
import { framesOfCpu, framesOfHeap } from './frames.mjs';

/**
 * Draws a flame graph beside each profile in a folder.
 *
 * @param {string} folder
 * @returns {string[]} the files that were written
 */
export function drawProfiles(folder) {
  return globSync('*.{cpuprofile,heapprofile}', { cwd: folder })
    .sort()
    .map((file) => {
      /** @type {unknown} */
      const profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
      const cpu = file.endsWith('.cpuprofile');
      // V8 writes the one or the other, told apart by the name that it was given.
      const frames = cpu
        ? framesOfCpu(/** @type {import('./frames.mjs').CpuProfile} */ (profile))
        : framesOfHeap(/** @type {import('./frames.mjs').HeapProfile} */ (profile));
      const title = `${path.basename(file, path.extname(file))}: ${cpu ? 'time on the processor' : 'memory allocated'}`;
      const target = path.join(folder, `${file}.svg`);
      writeFileSync(target, flameGraph(frames, { title, unit: cpu ? 'us' : 'bytes' }));
      return target;
    });
}
