import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, readCheckpoint } from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { PhaseCycleError, PlanFailedError, planPipeline, runPipeline } from '../src/index.ts';
import { folder, gate, of, phase, planOf, run, said } from './fixture.ts';

describe('a first run', () => {
  test('runs every phase after what it depends on, commits each, and ends at 100', async () => {
    const directory = await folder();
    const phases = [
      phase(directory, 'c', { dependsOn: ['a', 'b'] }),
      phase(directory, 'a'),
      phase(directory, 'b', { dependsOn: ['a'] }),
    ];
    const result = await run(directory, phases);
    expect(result.outcome).toBe('completed');
    expect(result.ran).toEqual(['a', 'b', 'c']);
    expect(said(result.events, 'phase.started', 'phase.completed', 'pipeline.completed')).toEqual([
      ...['phase.started a', 'phase.completed a', 'phase.started b', 'phase.completed b'],
      ...['phase.started c', 'phase.completed c', 'pipeline.completed'],
    ]);
    expect(await readFile(join(directory, 'c.txt'), 'utf8')).toBe('c(a(){}\nb(a(){}\n){}\n){}\n');
    const record = await readCheckpoint({ directory, buildId: 'test' });
    expect(record).toMatchObject({ percentComplete: 100 });
    expect(of(result.events, 'pipeline.progress').at(-1)?.percent).toBe(100);
    expect(result.events.at(-1)?.type).toBe('pipeline.completed');
  });

  test('says that a phase is completed only after its record is on the disk', async () => {
    const directory = await folder();
    const saved: unknown[] = [];
    const phases = [phase(directory, 'a'), phase(directory, 'b', { dependsOn: ['a'] })];
    const checks: Promise<unknown>[] = [];
    await run(directory, phases, {
      onEvent: (event) => {
        if (event.type !== 'phase.completed') return;
        const { phase: name } = event.data;
        checks.push(
          readFile(join(directory, 'checkpoint-test.json'), 'utf8').then((text) =>
            saved.push(text.includes(`"${name}"`)),
          ),
        );
      },
    });
    await Promise.all(checks);
    expect(saved).toEqual([true, true]);
  });

  test('runs independent phases together, and not more than the limit', async () => {
    const directory = await folder();
    // Each waits for the other to have started: one after the other would never end.
    const [left, right] = [gate(), gate()];
    const meet = (mine: typeof left, other: typeof left) => async () => {
      mine.open();
      await other.opened;
    };
    const together = await run(directory, [
      phase(directory, 'left', { before: meet(left, right) }),
      phase(directory, 'right', { before: meet(right, left) }),
    ]);
    expect(together.outcome).toBe('completed');

    const other = await folder();
    let most = 0;
    let now = 0;
    const counted = Array.from({ length: 7 }, (_, index) =>
      phase(other, `p${index}`, {
        before: async () => {
          now += 1;
          most = Math.max(most, now);
          await new Promise((resolve) => setImmediate(resolve));
          now -= 1;
        },
      }),
    );
    expect((await run(other, counted, { concurrency: 2 })).ran).toHaveLength(7);
    expect(most).toBe(2);
  });

  test('gives a phase the records of what it depends on, and of nothing else', async () => {
    const directory = await folder();
    let data: unknown;
    const result = await run(directory, [
      phase(directory, 'a'),
      phase(directory, 'b', { dependsOn: ['a'] }),
      phase(directory, 'c', {
        dependsOn: ['b'],
        before: (context) => {
          data = context.upstream('a').data;
        },
      }),
      phase(directory, 'd', { dependsOn: ['c'], before: (context) => context.upstream('x') }),
    ]);
    expect(data).toEqual({ made: 'a' });
    expect(result.error?.cause).toMatchObject({ code: 'PIPELINE_UNDECLARED_UPSTREAM', upstream: 'x' });
  });

  test('refuses what a phase did not declare, and does not commit it', async () => {
    const directory = await folder();
    const result = await run(directory, [phase(directory, 'a', { outputs: ['image', 'b'] })]);
    expect(result.outcome).toBe('failed');
    expect(result.error?.cause).toMatchObject({
      code: 'PIPELINE_OUTPUT_MISMATCH',
      problems: ['image is missing', 'b is missing', 'a is not declared'],
    });
    expect(result.record.phases).toEqual({});
  });

  test('says so when an artifact that a phase claims to have made is not there', async () => {
    const directory = await folder();
    const artifacts = [{ name: 'image', path: 'nowhere.raw', retention: 'output' as const }];
    const result = await run(directory, [
      phase(directory, 'a', { run: () => Promise.resolve({ artifacts }) }),
    ]);
    expect(result.error).toMatchObject({ code: 'PIPELINE_PHASE_FAILED', phase: 'a' });
    expect(result.error?.cause).toMatchObject({ code: 'PIPELINE_COMMIT_FAILED' });
    expect(said(result.events, 'phase.completed')).toEqual([]);
  });
});

describe('nothing starts', () => {
  test('when the phases are declared wrongly', async () => {
    const directory = await folder();
    const phases = [phase(directory, 'a', { dependsOn: ['b'] }), phase(directory, 'b', { dependsOn: ['a'] })];
    await expect(run(directory, phases)).rejects.toBeInstanceOf(PhaseCycleError);
    await expect(planPipeline(phases, undefined, { directory })).rejects.toBeInstanceOf(PhaseCycleError);
  });

  test('when a phase cannot say its inputs', async () => {
    const directory = await folder();
    const cause = new Error('no such recipe part');
    const broken = { ...phase(directory, 'b'), inputs: () => Promise.reject(cause) };
    const result = await run(directory, [phase(directory, 'a'), broken]);
    expect(result.outcome).toBe('failed');
    expect(result.error).toBeInstanceOf(PlanFailedError);
    expect(result.error?.cause).toBe(cause);
    expect(said(result.events, 'phase.started')).toEqual([]);
    expect(result.events.at(-1)?.type).toBe('pipeline.failed');
  });

  test('when there are no phases, which is no error', async () => {
    const result = await run(await folder(), []);
    expect(result.outcome).toBe('unchanged');
    expect(of(result.events, 'pipeline.progress')).toEqual([{ percent: 100 }]);
  });
});

test('a late subscriber sees the whole run, and the stream completes', async () => {
  const directory = await folder();
  const checkpoint = await openCheckpoint({ directory, buildId: 'test' });
  const started = runPipeline({ phases: [phase(directory, 'a')], checkpoint, directory });
  await started.result;
  await checkpoint.close();
  const seen: string[] = [];
  let completed = false;
  started.events$.subscribe({
    next: ({ type }) => seen.push(type),
    complete: () => {
      completed = true;
    },
  });
  expect(completed).toBe(true);
  expect(seen[0]).toBe('pipeline.planned');
  expect(seen).toContain('phase.completed');
  expect(seen.at(-1)).toBe('pipeline.completed');
});

test('the time left is known from an earlier run of the same build', async () => {
  const directory = await folder();
  const phases = (version: string) => [
    phase(directory, 'a', { version }),
    phase(directory, 'b', { dependsOn: ['a'], version }),
  ];
  const first = await run(directory, phases('1'));
  expect(of(first.events, 'pipeline.progress').some((data) => 'etaMs' in data)).toBe(false);
  const second = await run(directory, phases('2'));
  expect(planOf(second.events)[0]).toBe('a: run, the phase itself changed (version 1 → 2)');
  expect(of(second.events, 'pipeline.progress').every(({ etaMs }) => typeof etaMs === 'number')).toBe(true);
});
