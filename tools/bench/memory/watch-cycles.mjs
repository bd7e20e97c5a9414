import { setImmediate } from 'node:timers/promises';
import { slope } from '../statistics/slope.mjs';

/** Of the slope. */
const CONFIDENCE = 0.95;
/** Places at which the heap is looked at, from the end of the warm-up on. */
const STEPS = 20;

/**
 * @typedef {object} Cycles what a file `*.memory.ts` exports
 * @property {() => unknown} cycle that should leave nothing behind; awaited
 * @property {() => unknown} [setup]
 * @property {() => unknown} [teardown]
 * @property {number} [cycles] 2000 when not given
 * @property {() => number} [listeners] of what lives through all cycles, beside those of the process
 *
 * @typedef {object} Watch
 * @property {() => void} collect garbage
 * @property {() => number} heapBytes in use
 */

/**
 * Runs cycles and looks at what stays of them.
 *
 * @param {Cycles} subject
 * @param {Watch} watch
 * @returns {Promise<Omit<import('../result.mjs').MemoryResult, 'file' | 'name'>>}
 */
export async function watchCycles(
  { cycle, setup, teardown, cycles = 2000, listeners },
  { collect, heapBytes },
) {
  const eachStep = Math.max(1, Math.round(cycles / STEPS));
  const warmupCycles = eachStep * Math.ceil(STEPS / 2);
  const countListeners = () => processListeners() + (listeners?.() ?? 0);
  const run = async (/** @type {number} */ times) => {
    for (let time = 0; time < times; time += 1) await cycle();
  };
  const settle = async () => {
    // What ends in a turn of its own, such as the close of a handle, must not be counted as left behind; the second
    // collection takes what finalizers of the first have let go.
    for (let turn = 0; turn < 2; turn += 1) {
      await setImmediate();
      collect();
    }
  };
  await setup?.();
  try {
    await run(warmupCycles);
    await settle();
    const handlesBefore = process.getActiveResourcesInfo().length;
    const listenersBefore = countListeners();
    const points = new Float64Array(STEPS + 1);
    points[0] = heapBytes();
    for (let step = 1; step <= STEPS; step += 1) {
      await run(eachStep);
      await settle();
      points[step] = heapBytes();
    }
    const line = slope(
      Array.from(points, (y, index) => ({ x: (index * eachStep) / 1000, y })),
      CONFIDENCE,
    );
    return {
      cycles: eachStep * STEPS,
      warmupCycles,
      bytesPerThousandCycles: line.value,
      low: line.low,
      high: line.high,
      heapBytes: [...points],
      handlesBefore,
      handlesAfter: process.getActiveResourcesInfo().length,
      listenersBefore,
      listenersAfter: countListeners(),
    };
  } finally {
    await teardown?.();
  }
}

function processListeners() {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}
