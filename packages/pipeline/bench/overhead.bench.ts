import { mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '@osforge/checkpoint';
import { planPipeline, runPipeline } from '@osforge/pipeline';
import type { Phase } from '@osforge/pipeline';
import { test } from 'vitest';

function noOp(name: string, dependsOn: readonly string[]): Phase {
  return {
    name,
    version: '1',
    weight: 1,
    dependsOn,
    inputs: () => null,
    run: () => Promise.resolve({ artifacts: [] }),
  };
}

function withFile(directory: string, name: string, dependsOn: readonly string[]): Phase {
  return {
    ...noOp(name, dependsOn),
    run: async () => {
      const path = join(directory, `${name}.raw`);
      await writeFile(path, name.repeat(1000));
      return { artifacts: [{ name, path, retention: 'output' }] };
    },
  };
}

const chain = (count: number, make: (name: string, dependsOn: readonly string[]) => Phase): Phase[] =>
  Array.from({ length: count }, (_, index) => make(`p${index}`, index === 0 ? [] : [`p${index - 1}`]));

/** What one durable save costs at the very least: write, fsync, rename, fsync of the folder. */
async function rawSave(directory: string, text: string): Promise<void> {
  const temporary = join(directory, 'raw.tmp');
  const file = await open(temporary, 'w');
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(temporary, join(directory, 'raw.json'));
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
}

test('100 phases that do nothing, beside 100 raw saves of a record half that long', async ({ bench }) => {
  const directory = await mkdtemp(join(tmpdir(), 'osforge-bench-'));
  const checkpoint = await openCheckpoint({ directory, buildId: 'bench' });
  const phases = chain(100, noOp);
  const { outcome } = await runPipeline({ phases, checkpoint, directory, fresh: true }).result;
  if (outcome !== 'completed') throw new Error(outcome);
  const whole = await readFile(checkpoint.path, 'utf8');
  // The record grows from nothing to its full length, so half of it is what a save writes on average.
  const half = whole.slice(0, whole.length / 2);
  const options = { time: 0, iterations: 3, warmupIterations: 1 };
  await bench.compare(
    bench('runPipeline', async () => {
      await runPipeline({ phases, checkpoint, directory, fresh: true }).result;
    }),
    bench('floor: raw saves', async () => {
      for (let save = 0; save < 100; save += 1) await rawSave(directory, half);
    }),
    options,
  );
  await checkpoint.close();
  await rm(directory, { recursive: true });
});

test('14 reused phases, beside reading the record and 14 × stat', async ({ bench }) => {
  const directory = await mkdtemp(join(tmpdir(), 'osforge-bench-'));
  const checkpoint = await openCheckpoint({ directory, buildId: 'bench' });
  const phases = chain(14, (name, dependsOn) => withFile(directory, name, dependsOn));
  await runPipeline({ phases, checkpoint, directory }).result;
  const { record } = checkpoint;
  await bench.compare(
    bench('runPipeline', async () => {
      const { outcome } = await runPipeline({ phases, checkpoint, directory }).result;
      if (outcome !== 'unchanged') throw new Error(outcome);
    }),
    bench('planPipeline', async () => {
      await planPipeline(phases, record, { directory });
    }),
    bench('floor: read + 14 stat', async () => {
      JSON.parse(await readFile(checkpoint.path, 'utf8'));
      await Promise.all(phases.map(({ name }) => stat(join(directory, `${name}.raw`), { bigint: true })));
    }),
  );
  await checkpoint.close();
  await rm(directory, { recursive: true });
});
