import { describe, expect, test } from 'vitest';
import { PipelineCancelledError, liveKey } from '../src/index.ts';
import { folder, gate, of, phase, run, said, untilAborted } from './fixture.ts';

const thing = liveKey<string>('thing');
const other = liveKey<string>('other');

describe('a cancel', () => {
  test('before the start means that nothing runs, not even the inputs', async () => {
    const directory = await folder();
    const watched = { ...phase(directory, 'a'), inputs: () => expect.unreachable() };
    const result = await run(directory, [watched], { signal: AbortSignal.abort() });
    expect(result.outcome).toBe('cancelled');
    expect(result.error).toBeInstanceOf(PipelineCancelledError);
    expect(result.events.map(({ type }) => type)).toEqual(['pipeline.cancelling', 'pipeline.cancelled']);
  });

  test('while the plan is made does not wait for a phase that hangs there', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const hanging = {
      ...phase(directory, 'a'),
      inputs: () => {
        queueMicrotask(() => {
          controller.abort();
        });
        return new Promise<never>(() => {});
      },
    };
    expect((await run(directory, [hanging], { signal: controller.signal })).outcome).toBe('cancelled');
  });

  test('reaches the running phase, starts nothing more, and keeps what is done', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const phases = (interrupt: boolean) => [
      phase(directory, 'a'),
      phase(directory, 'b', {
        dependsOn: ['a'],
        before: async ({ signal }) => {
          if (!interrupt) return;
          controller.abort(new Error('Ctrl-C'));
          await untilAborted(signal);
        },
      }),
      phase(directory, 'c', { dependsOn: ['b'] }),
    ];
    const result = await run(directory, phases(true), { signal: controller.signal });
    expect(result.outcome).toBe('cancelled');
    expect(result.error?.cause).toMatchObject({ message: 'Ctrl-C' });
    expect(
      said(result.events, 'phase.started', 'phase.completed', 'phase.cancelled', 'phase.failed'),
    ).toEqual([...['phase.started a', 'phase.completed a', 'phase.started b', 'phase.cancelled b']]);
    expect(result.events.at(-1)?.type).toBe('pipeline.cancelled');
    const again = await run(directory, phases(false));
    expect(again.reused).toEqual(['a']);
    expect(again.ran).toEqual(['b', 'c']);
  });

  test('does not lose a phase that ends well anyway', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const phases = [
      phase(directory, 'a', {
        before: () => {
          controller.abort();
        },
      }),
      phase(directory, 'b', { dependsOn: ['a'] }),
    ];
    const result = await run(directory, phases, { signal: controller.signal });
    expect(result.outcome).toBe('cancelled');
    expect(result.ran).toEqual(['a']);
    expect(Object.keys(result.record.phases)).toEqual(['a']);
  });

  test('that comes when the last phase ends has cancelled nothing', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const phases = [
      phase(directory, 'a', {
        before: () => {
          controller.abort();
        },
      }),
    ];
    const result = await run(directory, phases, { signal: controller.signal });
    expect(result.outcome).toBe('completed');
    expect(result.record.percentComplete).toBe(100);
  });

  test('ends a wait between two attempts', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const patient = { isTransient: () => true, minTimeoutMs: 3_600_000, maxTimeoutMs: 3_600_000 };
    const result = await run(
      directory,
      [phase(directory, 'a', { retry: patient, before: () => Promise.reject(new Error('busy')) })],
      {
        signal: controller.signal,
        onEvent: ({ type }) => {
          if (type === 'phase.retrying') {
            queueMicrotask(() => {
              controller.abort();
            });
          }
        },
      },
    );
    expect(result.outcome).toBe('cancelled');
    expect(of(result.events, 'phase.cancelled')).toEqual([{ phase: 'a', late: false, message: 'busy' }]);
  });

  test('disposes of live resources, last first, after the phases have ended', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const order: string[] = [];
    const result = await run(
      directory,
      [
        phase(directory, 'a', {
          before: ({ live }) => {
            live.set(thing, 'a', ({ reason }) => void order.push(`thing ${reason}`));
            live.set(other, 'b', ({ reason }) => void order.push(`other ${reason}`));
          },
        }),
        phase(directory, 'b', {
          dependsOn: ['a'],
          before: async ({ signal, live }) => {
            expect(live.require(thing)).toBe('a');
            controller.abort();
            await untilAborted(signal).finally(() => order.push('b ended'));
          },
        }),
      ],
      { signal: controller.signal },
    );
    expect(result.outcome).toBe('cancelled');
    expect(order).toEqual(['b ended', 'other cancelled', 'thing cancelled']);
  });
});

describe('a phase that does not react', () => {
  test('is named after the deadline, and what it does later counts for nothing', async () => {
    const directory = await folder();
    const controller = new AbortController();
    const late = gate();
    const ended = gate();
    const codes: unknown[] = [];
    const deaf = phase(directory, 'deaf', {
      before: async ({ ledger, progress, log, live, retry, releaseTransient }) => {
        controller.abort();
        await late.opened;
        progress(0.5);
        log('still here');
        const tries = [
          () => ledger.register('file', '/nowhere'),
          () => ledger.release('nothing'),
          () => releaseTransient(),
          () => retry('step', () => {}, { isTransient: () => false }),
          async () => {
            await Promise.resolve();
            live.set(thing, 'late', () => {});
          },
        ];
        for (const attempt of tries) {
          await attempt().catch((error: unknown) => {
            codes.push(error instanceof Error && 'code' in error ? error.code : error);
          });
        }
        ended.open();
      },
    });
    const result = await run(directory, [deaf], { signal: controller.signal, cancelTimeoutMs: 20 });
    expect(result.outcome).toBe('cancelled');
    expect(result.latePhases).toEqual(['deaf']);
    expect(result.error?.message).toContain('deaf');
    expect(of(result.events, 'phase.cancelled')).toEqual([{ phase: 'deaf', late: true }]);
    const said = result.events.length;
    late.open();
    await ended.opened;
    await new Promise((resolve) => setImmediate(resolve));
    // `retry` rejects with the cancel before it comes to the step.
    expect(codes.map((code) => code ?? 'none')).toEqual([
      ...['PIPELINE_RUN_ENDED', 'PIPELINE_RUN_ENDED', 'PIPELINE_RUN_ENDED'],
      expect.anything(),
      'PIPELINE_RUN_ENDED',
    ]);
    expect(result.events.length).toBe(said);
    expect((await run(directory, [phase(directory, 'deaf')])).ran).toEqual(['deaf']);
  });

  test('is not waited for at all on "now", nor is a disposer', async () => {
    const directory = await folder();
    const now = new AbortController();
    const disposed: boolean[] = [];
    const result = await run(
      directory,
      [
        phase(directory, 'deaf', {
          before: async ({ live }) => {
            live.set(thing, 'x', ({ signal }) => {
              disposed.push(signal.aborted);
              return new Promise<never>(() => {});
            });
            now.abort(new Error('twice'));
            await new Promise<never>(() => {});
          },
        }),
      ],
      { abortNow: now.signal, cancelTimeoutMs: 3_600_000, disposeTimeoutMs: 3_600_000 },
    );
    expect(result.outcome).toBe('cancelled');
    expect(result.latePhases).toEqual(['deaf']);
    expect(disposed).toEqual([true]);
  });

  test('is let go by "now" also after a plain cancel', async () => {
    const directory = await folder();
    const [soon, now] = [new AbortController(), new AbortController()];
    const deaf = phase(directory, 'deaf', {
      before: () => {
        soon.abort();
        return new Promise<never>(() => {});
      },
    });
    const result = await run(directory, [deaf], {
      signal: soon.signal,
      abortNow: now.signal,
      cancelTimeoutMs: 3_600_000,
      onEvent: ({ type }) => {
        if (type === 'pipeline.cancelling') {
          queueMicrotask(() => {
            now.abort();
          });
        }
      },
    });
    expect(result.latePhases).toEqual(['deaf']);
  });
});
