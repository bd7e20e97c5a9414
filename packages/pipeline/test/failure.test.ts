import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import type { LedgerHandlers } from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { liveKey } from '../src/index.ts';
import type { PhaseContext } from '../src/index.ts';
import { folder, gate, of, phase, run, said, untilAborted } from './fixture.ts';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Make two files as the ledger wants it: written down before they exist. */
async function makeFiles(context: PhaseContext, directory: string, prefix: string): Promise<void> {
  for (const name of ['one', 'two']) {
    const path = join(directory, `${prefix}-${name}`);
    await context.ledger.register('file', path);
    await writeFile(path, '');
  }
}

describe('a phase that fails', () => {
  test('is named with its own error, stops its siblings, and keeps what is done', async () => {
    const directory = await folder();
    const error = new Error('disk on fire');
    const sibling = gate();
    const result = await run(directory, [
      phase(directory, 'done'),
      phase(directory, 'bad', {
        dependsOn: ['done'],
        before: async () => {
          await sibling.opened;
          throw error;
        },
      }),
      phase(directory, 'sibling', {
        dependsOn: ['done'],
        before: async ({ signal }) => {
          sibling.open();
          await untilAborted(signal);
        },
      }),
      phase(directory, 'never', { dependsOn: ['bad'] }),
    ]);
    expect(result.outcome).toBe('failed');
    expect(result.error).toMatchObject({ code: 'PIPELINE_PHASE_FAILED', phase: 'bad', attempts: 1 });
    expect(result.error?.cause).toBe(error);
    expect(result.record.percentComplete).toBe(25);
    expect(said(result.events, 'phase.failed', 'phase.cancelled')).toEqual([
      ...['phase.failed bad', 'phase.cancelled sibling'],
    ]);
    expect(of(result.events, 'pipeline.failed')[0]).toMatchObject({ phase: 'bad' });
    expect(Object.keys(result.record.phases)).toEqual(['done']);
  });

  test('by throwing at once or something that is no error is a failed phase as well', async () => {
    const directory = await folder();
    const thrower = {
      ...phase(directory, 'a'),
      run: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a careless phase may do
        throw 'just text';
      },
    };
    const result = await run(directory, [thrower]);
    expect(result.error?.message).toBe('phase "a" failed: just text');
    expect(result.error?.cause).toBe('just text');
  });
});

describe('retries', () => {
  class Busy extends Error {
    readonly code = 'BUSY';
  }
  const retry = { isTransient: (error: unknown) => error instanceof Busy, minTimeoutMs: 1, maxTimeoutMs: 2 };

  test('of a whole phase happen for transient errors only, and count attempts', async () => {
    const directory = await folder();
    const attempts: number[] = [];
    const result = await run(
      directory,
      [
        phase(directory, 'flaky', {
          retry,
          before: ({ attempt }) => {
            attempts.push(attempt);
            if (attempt < 3) throw new Busy('later');
          },
        }),
        phase(directory, 'broken', { retry, before: () => Promise.reject(new Error('for good')) }),
      ],
      { concurrency: 1 },
    );
    expect(attempts).toEqual([1, 2, 3]);
    expect(result.ran).toEqual(['flaky']);
    expect(result.error).toMatchObject({ phase: 'broken', attempts: 1 });
    expect(
      of(result.events, 'phase.retrying').map(({ what, attempt, retriesLeft, code }) => [
        what,
        attempt,
        retriesLeft,
        code,
      ]),
    ).toEqual([
      ['flaky', 1, 2, 'BUSY'],
      ['flaky', 2, 1, 'BUSY'],
    ]);
  });

  test('of one step leave the rest of the phase alone', async () => {
    const directory = await folder();
    let before = 0;
    const result = await run(directory, [
      phase(directory, 'a', {
        before: async (context) => {
          before += 1;
          const value = await context.retry(
            'download',
            (attempt) => (attempt < 2 ? Promise.reject(new Busy('later')) : Promise.resolve('got it')),
            retry,
          );
          context.log(value, 'stdout');
        },
      }),
    ]);
    expect(before).toBe(1);
    expect(of(result.events, 'phase.retrying')).toMatchObject([
      { phase: 'a', what: 'download', message: 'later' },
    ]);
    expect(of(result.events, 'phase.log')).toEqual([{ phase: 'a', line: 'got it', stream: 'stdout' }]);
  });

  test('used up name the number of attempts', async () => {
    const directory = await folder();
    const result = await run(directory, [
      phase(directory, 'a', {
        retry: { ...retry, retries: 1 },
        before: () => Promise.reject(new Busy('always')),
      }),
    ]);
    expect(result.error).toMatchObject({ attempts: 2, message: 'phase "a" failed after 2 attempts: always' });
  });
});

describe('clean-up after a failure', () => {
  const phases = (directory: string) => [
    phase(directory, 'good', { before: (context) => makeFiles(context, directory, 'good') }),
    phase(directory, 'bad', {
      dependsOn: ['good'],
      before: async (context) => {
        await makeFiles(context, directory, 'bad');
        throw new Error('the original');
      },
    }),
  ];
  const removing = (removed: string[]): LedgerHandlers => ({
    file: async ({ resourceId }) => {
      removed.push(resourceId.slice(resourceId.lastIndexOf('/') + 1));
      await rm(resourceId);
    },
  });
  const left = async (directory: string) => ({
    good: await exists(join(directory, 'good-one')),
    bad: await exists(join(directory, 'bad-one')),
  });

  test('"cleanup" removes what the failed phase made, last first, and keeps what was committed', async () => {
    const directory = await folder();
    const removed: string[] = [];
    const result = await run(directory, phases(directory), {
      onError: 'cleanup',
      handlers: removing(removed),
    });
    expect(removed).toEqual(['bad-two', 'bad-one']);
    expect(await left(directory)).toEqual({ good: true, bad: false });
    expect(result.record.ledger.map(({ resourceId }) => resourceId)).toEqual([
      join(directory, 'good-one'),
      join(directory, 'good-two'),
    ]);
    expect(result.cleanUpError).toBeUndefined();
    expect(of(result.events, 'cleanup.completed')).toEqual([{ what: 'ledger', cleaned: 2, failed: 0 }]);
  });

  test('"keep" leaves everything, and so does the default', async () => {
    for (const options of [{ onError: 'keep' as const }, {}]) {
      const directory = await folder();
      const result = await run(directory, phases(directory), { ...options, handlers: removing([]) });
      expect(await left(directory)).toEqual({ good: true, bad: true });
      expect(result.record.ledger).toHaveLength(4);
    }
  });

  test('"ask" does what it is told, and keeps when there is no answer', async () => {
    const asked: string[] = [];
    const answers = [
      { ask: () => 'cleanup' as const, bad: false },
      { ask: () => 'keep' as const, bad: true },
      { ask: () => Promise.reject(new Error('no terminal')), bad: true },
    ];
    for (const { ask, bad } of answers) {
      const directory = await folder();
      const result = await run(directory, phases(directory), {
        onError: 'ask',
        ask: (question) => {
          asked.push(`${question.error.message} ${question.entries.length}`);
          return ask();
        },
        handlers: removing([]),
      });
      expect((await left(directory)).bad).toBe(bad);
      expect(result.error?.message).toContain('the original');
    }
    expect(asked).toEqual(Array.from({ length: 3 }, () => 'phase "bad" failed: the original 2'));
  });

  test('"ask" is not waited for once the run is cancelled, and then everything is kept', async () => {
    const directory = await folder();
    const controller = new AbortController();
    let asked: AbortSignal | undefined;
    const result = await run(directory, phases(directory), {
      onError: 'ask',
      signal: controller.signal,
      ask: ({ signal }) => {
        asked = signal;
        queueMicrotask(() => {
          controller.abort();
        });
        return new Promise<never>(() => {});
      },
      handlers: removing([]),
    });
    expect(result.outcome).toBe('failed');
    expect(asked?.aborted).toBe(true);
    expect((await left(directory)).bad).toBe(true);
  });

  test('that fails itself, or hangs, is reported and never hides the original error', async () => {
    const directory = await folder();
    const live = liveKey<string>('machine');
    const error = new Error('the original');
    const result = await run(
      directory,
      [
        phase(directory, 'bad', {
          before: async (context) => {
            await context.ledger.register('mount', join(directory, 'm'));
            await context.ledger.register('unknown', 'x');
            await context.ledger.register('slow', 'y');
            await context.ledger.register('file', join(directory, 'never-made'));
            context.live.set(live, 'vm', () => Promise.reject(new Error('will not die')));
            throw error;
          },
        }),
      ],
      {
        onError: 'cleanup',
        // The others, too, have only so long: enough for a busy machine.
        cleanUpTimeoutMs: 2000,
        handlers: {
          ...removing([]),
          mount: () => Promise.reject(new Error('target is busy')),
          slow: () => new Promise<never>(() => {}),
        },
      },
    );
    expect(result.error?.cause).toBe(error);
    expect(result.cleanUpError?.errors).toHaveLength(4);
    expect(result.cleanUpError?.message).toContain('target is busy');
    expect(of(result.events, 'cleanup.failed').map(({ what, resource }) => `${what} ${resource}`)).toEqual([
      'live machine',
      'ledger slow y',
      `ledger mount ${join(directory, 'm')}`,
      'ledger unknown x',
    ]);
    expect(of(result.events, 'cleanup.failed')).toContainEqual(
      expect.objectContaining({ resourceType: 'slow', resourceId: 'y' }),
    );
    // The file had never been made, which is a success; the others stay for "builds clean".
    expect(result.record.ledger.map(({ resourceType }) => resourceType)).toEqual([
      'mount',
      'unknown',
      'slow',
    ]);
  });

  test('live resources are disposed of before the ledger is cleaned, and after a success too', async () => {
    const directory = await folder();
    const live = liveKey<string>('machine');
    const order: string[] = [];
    const holding = (fail: boolean) => [
      phase(directory, fail ? 'bad' : 'good', {
        before: async (context) => {
          await context.ledger.register('process', '1');
          context.live.set(live, 'vm', ({ reason }) => void order.push(`live ${reason}`));
          if (fail) throw new Error('no');
        },
      }),
    ];
    const handlers = { process: () => void order.push('ledger') };
    await run(directory, holding(true), { onError: 'cleanup', handlers });
    await run(directory, holding(false));
    expect(order).toEqual(['live failed', 'ledger', 'live completed']);
  });

  test('a phase finds what an earlier attempt of it left behind', async () => {
    const directory = await folder();
    await run(directory, phases(directory));
    let leftovers: readonly string[] = [];
    await run(directory, [
      ...phases(directory).slice(0, 1),
      phase(directory, 'bad', {
        dependsOn: ['good'],
        before: async ({ ledger }) => {
          await ledger.register('file', join(directory, 'new'));
          leftovers = ledger.leftovers().map(({ resourceId }) => resourceId);
        },
      }),
    ]);
    expect(leftovers).toEqual([join(directory, 'bad-one'), join(directory, 'bad-two')]);
  });
});
