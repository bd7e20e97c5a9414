// Ends runs in every way, then says what they left behind; run by leak.test.ts with --expose-gc.
import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '@osforge/checkpoint';
import type { Checkpoint } from '@osforge/checkpoint';
import { liveKey, runPipeline } from '../src/index.ts';
import type { Phase, PhaseContext, RunPipelineOptions } from '../src/index.ts';

const unhandled: string[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)));

const live = liveKey<string>('thing');
const shared = new AbortController();

function quiet(name: string, run: (context: PhaseContext) => unknown = () => {}): Phase {
  return {
    name,
    version: '1',
    weight: 1,
    dependsOn: [],
    inputs: () => null,
    run: async (context) => {
      await run(context);
      return { artifacts: [] };
    },
  };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function everyEnd(checkpoint: Checkpoint, directory: string): Promise<void> {
  const base = {
    checkpoint,
    directory,
    fresh: true,
    signal: shared.signal,
    abortNow: new AbortController().signal,
  };
  const runs = async (phases: Phase[], options: Partial<RunPipelineOptions> = {}): Promise<void> => {
    const run = runPipeline({ ...base, phases, ...options });
    run.events$.subscribe();
    await run.result;
    await tick();
  };
  await runs([
    quiet('a', (context) => {
      context.live.set(live, 'x', () => {});
    }),
  ]);
  await runs([
    quiet('a', () => Promise.reject(new Error('no'))),
    quiet('b', () => tick().then(() => Promise.reject(new Error('too')))),
  ]);
  await runs([
    quiet('a', (context) => {
      context.live.set(live, 'x', () => Promise.reject(new Error('disposer')));
      throw new Error('no');
    }),
  ]);
  const cancel = new AbortController();
  await runs(
    [
      quiet('a', async () => {
        cancel.abort();
        await tick();
        throw new Error('late');
      }),
    ],
    { signal: cancel.signal },
  );
  const now = new AbortController();
  await runs(
    [
      quiet('a', async () => {
        now.abort();
        await tick();
        throw new Error('very late');
      }),
    ],
    { abortNow: now.signal },
  );
  await runs([
    quiet('a', (context) =>
      context.retry(
        'step',
        (attempt) => {
          if (attempt < 2) throw new Error('busy');
        },
        { isTransient: () => true, minTimeoutMs: 1 },
      ),
    ),
  ]);
  await runs([
    { ...quiet('a'), inputs: () => Promise.reject(new Error('inputs')) },
    { ...quiet('b'), inputs: () => Promise.reject(new Error('too')) },
  ]);
}

const directory = await mkdtemp(join(tmpdir(), 'osforge-leak-'));
const checkpoint = await openCheckpoint({ directory, buildId: 'test' });
const settle = async (): Promise<number> => {
  await tick();
  globalThis.gc?.();
  await tick();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};
for (let round = 0; round < 10; round += 1) await everyEnd(checkpoint, directory);
const heapBefore = await settle();
const resourcesBefore = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;
for (let round = 0; round < 40; round += 1) await everyEnd(checkpoint, directory);
const heapAfter = await settle();
const resourcesAfter = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;
await checkpoint.close();
await rm(directory, { recursive: true });
process.stdout.write(
  `${JSON.stringify({
    unhandled,
    listeners: getEventListeners(shared.signal, 'abort').length,
    resources: resourcesAfter - resourcesBefore,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    heapBytesPerRun: Math.round((heapAfter - heapBefore) / (40 * 7)),
  })}\n`,
);
