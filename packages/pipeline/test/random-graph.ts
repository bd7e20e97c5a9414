import { appendFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Phase } from '../src/index.ts';

/** Numbers in [0, 1) that only depend on the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface RandomGraph {
  readonly phases: readonly Phase[];
  readonly concurrency: number;
}

/**
 * A pipeline that only depends on the seed: phases that read some earlier ones, are written in two steps, and
 * perhaps a last one that releases what is transient. Each start is appended to `starts.log`.
 */
export function randomGraph(seed: number, directory: string): RandomGraph {
  const random = seeded(seed);
  const names = Array.from({ length: 4 + Math.floor(random() * 5) }, (_, index) => `p${index}`);
  const phases = names.map((name, index): Phase => {
    const dependsOn = names.slice(0, index).filter(() => random() < 0.4);
    const retention = random() < 0.5 ? 'transient' : 'output';
    const registers = random() < 0.5;
    const base = { name, version: '1', weight: 1 + Math.floor(random() * 9), dependsOn };
    if (random() < 0.1) return { ...base, ...unwanted };
    return {
      ...base,
      inputs: () => ({ seed, index }),
      run: async (context) => {
        appendFileSync(join(directory, 'starts.log'), `${name}\n`);
        const path = join(directory, `${name}.out`);
        if (registers) await context.ledger.register('file', path);
        await writeFile(path, 'half');
        context.progress(0.5);
        const made = dependsOn.map((upstream) =>
          context.upstream(upstream).artifacts.map(({ sha256 }) => sha256),
        );
        await writeFile(path, `${name} ${seed} ${JSON.stringify(made)}`);
        return { artifacts: [{ name, path, retention }], data: { from: dependsOn } };
      },
    };
  });
  const concurrency = 1 + Math.floor(random() * 4);
  return random() < 0.6 ? { phases: [...phases, cleanUp(names)], concurrency } : { phases, concurrency };
}

const unwanted = {
  inputs: () => null,
  skip: () => 'not requested',
  run: () => Promise.reject(new Error('a skipped phase was run')),
};

function cleanUp(names: readonly string[]): Phase {
  return {
    name: 'cleanup',
    version: '1',
    weight: 1,
    dependsOn: names,
    reads: [],
    inputs: () => null,
    run: async (context) => {
      for (const { path } of await context.releaseTransient()) await rm(path, { force: true });
      return { artifacts: [] };
    },
  };
}
