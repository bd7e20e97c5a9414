import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint } from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { planPipeline } from '../src/index.ts';
import type { Phase, PhaseContext } from '../src/index.ts';
import { folder, of, phase, planOf, run } from './fixture.ts';

/** apps and disk, put together in vm, captured, cleaned up; the shape of an image build. */
function build(directory: string, change: { apps?: unknown; disk?: string; capture?: string } = {}): Phase[] {
  const release = async (context: PhaseContext): Promise<void> => {
    for (const { path } of await context.releaseTransient()) await rm(path, { force: true });
  };
  return [
    phase(directory, 'apps', {
      retention: 'cache',
      inputs: { apps: [{ name: change.apps === undefined ? 'nginx' : 'caddy' }] },
    }),
    phase(directory, 'disk', { retention: 'transient', inputs: { suite: change.disk ?? 'bookworm' } }),
    phase(directory, 'vm', { dependsOn: ['apps', 'disk'], retention: 'transient' }),
    phase(directory, 'capture', { dependsOn: ['vm'], inputs: { format: change.capture ?? 'qcow2' } }),
    phase(directory, 'cleanup', { dependsOn: ['apps', 'disk', 'vm', 'capture'], reads: [], before: release }),
  ];
}

describe('a second run', () => {
  test('with nothing changed runs nothing, writes nothing, and says so', async () => {
    const directory = await folder();
    await run(directory, build(directory));
    const before = await readFile(join(directory, 'checkpoint-test.json'), 'utf8');
    const second = await run(directory, build(directory));
    expect(second.outcome).toBe('unchanged');
    expect(second.ran).toEqual([]);
    expect(second.reused).toHaveLength(5);
    expect(of(second.events, 'phase.reused').every(({ reason }) => reason === 'nothing changed')).toBe(true);
    expect(await readFile(join(directory, 'checkpoint-test.json'), 'utf8')).toBe(before);
  });

  test('with one input changed runs what depends on it, and says which input', async () => {
    const directory = await folder();
    await run(directory, build(directory));
    const second = await run(directory, build(directory, { capture: 'vhdx' }));
    expect(planOf(second.events)).toEqual([
      'apps: reuse, nothing changed',
      'disk: run, its released artifact disk is needed again by vm',
      'vm: run, its released artifact vm is needed again by capture',
      'capture: run, inputs changed: format',
      'cleanup: run, upstream capture changed',
    ]);
    expect(second.ran).toEqual(['disk', 'vm', 'capture', 'cleanup']);
  });

  test('with an app changed keeps what does not depend on it, when nothing was released', async () => {
    const directory = await folder();
    const kept = (change = {}) => build(directory, change).slice(0, 4);
    await run(directory, kept());
    const second = await run(directory, kept({ apps: true }));
    expect(planOf(second.events)).toEqual([
      'apps: run, inputs changed: apps.0.name',
      'disk: reuse, nothing changed',
      'vm: run, upstream apps changed',
      'capture: run, upstream vm changed',
    ]);
    expect(second.ran).toEqual(['apps', 'vm', 'capture']);
  });

  test('finds an artifact that was deleted, changed in size, or had one byte flipped', async () => {
    const directory = await folder();
    const phases = build(directory).slice(0, 4);
    await run(directory, phases);
    const path = join(directory, 'capture.txt');
    const content = await readFile(path);

    await rm(path);
    const missing = await run(directory, phases);
    expect(planOf(missing.events).at(-1)).toBe('capture: run, artifact capture is missing');
    expect(missing.ran).toEqual(['capture']);

    const flipped = Buffer.from(content);
    flipped[3] = (flipped[3] ?? 0) ^ 1;
    await writeFile(path, flipped);
    const changed = await run(directory, phases);
    expect(planOf(changed.events).at(-1)).toBe('capture: run, artifact capture has other content');
    expect(changed.ran).toEqual(['capture']);
    expect(await readFile(path)).toEqual(content);

    await writeFile(path, 'short');
    expect(planOf((await run(directory, phases)).events).at(-1)).toBe(
      'capture: run, artifact capture has another size',
    );
  });

  test('makes a deleted artifact again and reuses what follows when it came out the same', async () => {
    const directory = await folder();
    await run(directory, build(directory));
    await rm(join(directory, 'apps.txt'));
    const second = await run(directory, build(directory));
    // The plan is the worst case: it cannot know yet that apps comes out the same.
    expect(planOf(second.events).map((line) => line.split(',')[0])).toEqual([
      ...['apps: run', 'disk: run', 'vm: run', 'capture: run', 'cleanup: run'],
    ]);
    expect(second.ran).toEqual(['apps']);
    expect(of(second.events, 'phase.reused').find(({ phase: name }) => name === 'capture')?.reason).toBe(
      'upstream apps ran again with the same result',
    );
  });

  test('remembers that an upstream came out different, though it was killed before those after it ran', async () => {
    const directory = await folder();
    let made = 'first';
    const phases = (fail: boolean) => [
      phase(directory, 'a', { content: () => made }),
      phase(directory, 'b', {
        dependsOn: ['a'],
        before: () => (fail ? Promise.reject(new Error('cut')) : undefined),
      }),
    ];
    await run(directory, phases(false));
    await rm(join(directory, 'a.txt'));
    made = 'second';
    expect((await run(directory, phases(true))).ran).toEqual(['a']);
    // The record of b still has its old key and its artifact; only what it was made from is gone.
    const third = await run(directory, phases(false));
    expect(planOf(third.events)).toEqual([
      'a: reuse, nothing changed',
      'b: run, upstream a has another result than before',
    ]);
    expect(await readFile(join(directory, 'b.txt'), 'utf8')).toContain('second');
  });

  test('hashes a copied artifact once and then knows it', async () => {
    const directory = await folder();
    await run(directory, [phase(directory, 'a')]);
    const path = join(directory, 'a.txt');
    const content = await readFile(path);
    await rm(path);
    await writeFile(path, content);
    const before = (await readCheckpoint({ directory, buildId: 'test' }))?.phases['a']?.artifacts[0]
      ?.identity;
    expect((await run(directory, [phase(directory, 'a')])).outcome).toBe('unchanged');
    const after = (await readCheckpoint({ directory, buildId: 'test' }))?.phases['a']?.artifacts[0]?.identity;
    expect(after).not.toEqual(before);
  });

  test('that is fresh runs everything, and forgets before it starts', async () => {
    const directory = await folder();
    await run(directory, build(directory));
    const cut = [
      phase(directory, 'apps', { before: () => Promise.reject(new Error('cut')) }),
      ...build(directory).slice(1),
    ];
    const fresh = await run(directory, cut, { fresh: true, concurrency: 1 });
    expect(planOf(fresh.events)[0]).toBe('apps: run, a fresh build was asked for');
    expect(fresh.outcome).toBe('failed');
    expect(fresh.record.phases).toEqual({});
    expect(fresh.record.percentComplete).toBe(0);
    // Without the flag it goes on with the fresh build, not with the one before it.
    const next = await run(directory, build(directory));
    expect(next.ran).toHaveLength(5);
  });
});

describe('skipped phases', () => {
  const phases = (directory: string, skip?: string) => [
    phase(directory, 'disk'),
    phase(directory, 'usb', { dependsOn: ['disk'], ...(skip === undefined ? {} : { skip }) }),
    phase(directory, 'end', { dependsOn: ['usb'] }),
  ];

  test('are there for those after them in a fresh run too', async () => {
    const directory = await folder();
    await run(directory, phases(directory, 'not requested'));
    const seen: string[] = [];
    const asking = phases(directory, 'not requested').map((one) =>
      one.name !== 'end'
        ? one
        : phase(directory, 'end', {
            dependsOn: ['usb'],
            reads: [],
            before: (context) => {
              seen.push(context.upstream('usb').state);
            },
          }),
    );
    const fresh = await run(directory, asking, { fresh: true });
    expect(fresh.outcome).toBe('completed');
    expect(seen).toEqual(['skipped']);
  });

  test('say why, are saved, and stand for nothing in what follows', async () => {
    const directory = await folder();
    const first = await run(directory, phases(directory, 'not requested'));
    expect(of(first.events, 'phase.skipped')).toEqual([{ phase: 'usb', reason: 'not requested' }]);
    expect(first.record.phases['usb']).toMatchObject({
      state: 'skipped',
      reason: 'not requested',
      artifacts: [],
    });
    expect(first.record.percentComplete).toBe(100);
    expect(first.skipped).toEqual(['usb']);
    expect((await run(directory, phases(directory, 'not requested'))).outcome).toBe('unchanged');
  });

  test('count for nothing in the saved percentage, as in the one that is shown', async () => {
    const directory = await folder();
    const { record, events } = await run(directory, [
      phase(directory, 'disk', { weight: 1 }),
      phase(directory, 'usb', { weight: 8, skip: 'not requested' }),
      phase(directory, 'end', {
        weight: 3,
        dependsOn: ['disk'],
        run: () => Promise.reject(new Error('broken')),
      }),
    ]);
    expect(record.percentComplete).toBe(25);
    expect(of(events, 'pipeline.progress').at(-1)?.percent).toBe(25);
  });

  test('run once they are wanted, and so does what follows', async () => {
    const directory = await folder();
    await run(directory, phases(directory, 'not requested'));
    const second = await run(directory, phases(directory));
    expect(planOf(second.events)).toEqual([
      'disk: reuse, nothing changed',
      'usb: run, it was skipped before',
      'end: run, upstream usb changed',
    ]);
    expect(second.ran).toEqual(['usb', 'end']);
  });
});

test('a plan changes nothing and says what a run will do', async () => {
  const directory = await folder();
  await run(directory, build(directory));
  const before = await readFile(join(directory, 'checkpoint-test.json'));
  const record = await readCheckpoint({ directory, buildId: 'test' });
  const plan = await planPipeline(build(directory, { capture: 'vhdx' }), record, { directory });
  expect(await readFile(join(directory, 'checkpoint-test.json'))).toEqual(before);
  expect(plan.map(({ name, action }) => `${name} ${action}`)).toEqual([
    ...['apps reuse', 'disk run', 'vm run', 'capture run', 'cleanup run'],
  ]);
  const fresh = await planPipeline(build(directory), record, { directory, fresh: true });
  expect(fresh.every(({ action }) => action === 'run')).toBe(true);
  expect((await planPipeline(build(directory), undefined, { directory }))[0]?.reason).toBe('not done yet');
});

test('releasing is repeated after a crash in between, and then brings nothing back', async () => {
  const directory = await folder();
  const crashing = build(directory).with(
    4,
    phase(directory, 'cleanup', {
      dependsOn: ['apps', 'disk', 'vm', 'capture'],
      reads: [],
      before: async (context) => {
        await context.releaseTransient();
        throw new Error('cut between the mark and the removal');
      },
    }),
  );
  expect((await run(directory, crashing)).outcome).toBe('failed');
  const second = await run(directory, build(directory));
  expect(second.ran).toEqual(['cleanup']);
  await expect(readFile(join(directory, 'disk.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(readFile(join(directory, 'apps.txt'), 'utf8')).resolves.toContain('apps');
});
