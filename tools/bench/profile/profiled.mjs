import { writeFileSync } from 'node:fs';
import inspector from 'node:inspector/promises';
import path from 'node:path';

/** Finer than V8's 1 ms, and still cheap: a bench is seconds long. */
const CPU_INTERVAL_US = 200;
/** Bytes allocated between two samples, on average. */
const HEAP_INTERVAL_BYTES = 16_384;

/**
 * Runs something under V8's profiler and writes what it saw to the folder OSFORGE_BENCH_PROFILE_FOLDER.
 *
 * @param {string} kind `cpu` for where the time goes, `heap` for where memory is allocated, freed since or not
 * @param {string} name of the file
 * @param {() => Promise<void>} run
 */
export async function profiled(kind, name, run) {
  const folder = process.env['OSFORGE_BENCH_PROFILE_FOLDER'] ?? '.';
  const base = path.join(
    folder,
    name
      .replaceAll(/[^\w.-]+/g, '-')
      .slice(0, 80)
      .replace(/-$/, ''),
  );
  const session = new inspector.Session();
  session.connect();
  try {
    if (kind === 'cpu') {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_US });
      await session.post('Profiler.start');
      await run();
      const { profile } = await session.post('Profiler.stop');
      writeFileSync(`${base}.cpuprofile`, JSON.stringify(profile));
    } else {
      await session.post('HeapProfiler.enable');
      const options = {
        samplingInterval: HEAP_INTERVAL_BYTES,
        // Without these only what is still alive at the end is in it.
        includeObjectsCollectedByMajorGC: true,
        includeObjectsCollectedByMinorGC: true,
      };
      await session.post('HeapProfiler.startSampling', options);
      await run();
      const { profile } = await session.post('HeapProfiler.stopSampling');
      writeFileSync(`${base}.heapprofile`, JSON.stringify(profile));
    }
  } finally {
    session.disconnect();
  }
}
