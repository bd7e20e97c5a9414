import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  ComponentCycleError,
  createInitGraph,
  DuplicateComponentError,
  isTransientLifecycleError,
  LifecycleStateError,
  MissingComponentError,
  shutdownSignals,
  StartAbandonedError,
  StartCancelledError,
  StartFailedError,
  StartStuckError,
  StartTimeoutError,
  type Component,
} from '@osforge/perf';
import { createGate } from '../gate.ts';

/** Components that write down what happens to them, each after a turn of the loop. */
function recorder(): { log: string[]; part: (name: string, ...dependsOn: string[]) => Component } {
  const log: string[] = [];
  return {
    log,
    part: (name, ...dependsOn) => ({
      name,
      dependsOn,
      async start() {
        log.push(`${name} starts`);
        await wait(1);
        log.push(`${name} ready`);
      },
      async stop() {
        log.push(`${name} stops`);
        await wait(1);
        log.push(`${name} gone`);
      },
    }),
  };
}

async function failure<E extends Error>(
  promise: Promise<unknown>,
  type: new (...args: never[]) => E,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof type) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** A component that starts when it is told to, and heeds its signal or not. */
function held(
  name: string,
  heeds: boolean,
  dependsOn: string[] = [],
): Component & { go: () => void; stops: number } {
  const gate = createGate();
  const part = {
    name,
    dependsOn,
    stops: 0,
    go: () => {
      gate.resolve(undefined);
    },
    start: ({ signal }: { signal: AbortSignal }) => {
      if (heeds)
        signal.addEventListener('abort', () => {
          gate.reject(signal.reason);
        });
      return gate.promise;
    },
    stop: () => {
      part.stops += 1;
    },
  };
  return part;
}

describe('before anything starts', () => {
  const start = (): never => {
    throw new Error('it was started');
  };

  test('names the whole circle', () => {
    const make = (): unknown =>
      createInitGraph([
        { name: 'outside', dependsOn: ['a'], start },
        { name: 'a', dependsOn: ['b'], start },
        { name: 'b', dependsOn: ['c'], start },
        { name: 'c', dependsOn: ['a'], start },
      ]);
    expect(make).toThrow(ComponentCycleError);
    expect(make).toThrow('a → b → c → a');
  });

  test('names every missing component with the path to it', () => {
    const make = (): unknown =>
      createInitGraph([
        { name: 'app', dependsOn: ['db', 'cache'], start },
        { name: 'db', dependsOn: ['config'], start },
        { name: 'lonely', dependsOn: ['nothing'], start },
        { name: 'cache', start },
      ]);
    expect(make).toThrow(MissingComponentError);
    expect(make).toThrow('app → db → config; lonely → nothing;');
  });

  test('a missing name within a circle ends, too', () => {
    const parts = [
      { name: 'a', dependsOn: ['b', 'x'], start },
      { name: 'b', dependsOn: ['a'], start },
    ];
    expect(() => createInitGraph(parts)).toThrow('b → a → x');
  });

  test('refuses a name that is there twice, and a component that depends on itself', () => {
    const twice = [
      { name: 'a', start },
      { name: 'a', start },
    ];
    expect(() => createInitGraph(twice)).toThrow(DuplicateComponentError);
    expect(() => createInitGraph([{ name: 'a', dependsOn: ['a'], start }])).toThrow('a → a');
  });
});

describe('a start', () => {
  test('waits for dependencies only, and a stop goes in reverse', async () => {
    const { log, part } = recorder();
    const graph = createInitGraph([
      part('app', 'db', 'bus'),
      part('db', 'config'),
      part('bus'),
      part('config'),
    ]);
    expect(graph.order).toEqual(['config', 'db', 'bus', 'app']);
    const report = await graph.start();
    expect(graph.state).toBe('running');
    expect(report.components.map(({ name }) => name).at(-1)).toBe('app');
    const at = (line: string): number => log.indexOf(line);
    expect(log.slice(0, 2)).toEqual(['config starts', 'bus starts']);
    expect(at('db starts')).toBeGreaterThan(at('config ready'));
    expect(at('app starts')).toBeGreaterThan(Math.max(at('db ready'), at('bus ready')));

    const stopped = await graph.stop();
    expect(at('app gone')).toBeLessThan(Math.min(at('db stops'), at('bus stops')));
    expect(at('db gone')).toBeLessThan(at('config stops'));
    expect(stopped.late).toEqual([]);
    expect(stopped.components.map(({ name, state }) => `${name} ${state}`)[0]).toBe('app stopped');
    expect(graph.state).toBe('stopped');
    expect((await graph.stop()).components).toEqual([]);
  });

  test('that fails aborts what is starting, stops in reverse what had started, and reports all errors', async () => {
    const { log, part } = recorder();
    const slow = held('slow', true);
    const never = held('never', true, ['broken']);
    const graph = createInitGraph([
      part('a'),
      part('b', 'a'),
      slow,
      {
        name: 'broken',
        dependsOn: ['b'],
        start: () => {
          throw new Error('no disk');
        },
      },
      {
        name: 'also-broken',
        start: async ({ signal }) => {
          await once(signal, 'abort');
          throw new Error('no network');
        },
      },
      never,
      {
        name: 'stubborn',
        start: () => {},
        stop: () => {
          throw new Error('cannot stop');
        },
      },
    ]);
    const error = await failure(graph.start(), StartFailedError);
    expect(error.code).toBe('PERF_START_FAILED');
    expect(error.failures.map(({ name }) => name)).toEqual(['broken', 'also-broken']);
    expect(error.message).toContain(
      '"broken" did not start: no disk; "also-broken" did not start: no network',
    );
    expect(error.message).toContain('then did not stop: "stubborn" (failed)');
    expect(log.slice(-4)).toEqual(['b stops', 'b gone', 'a stops', 'a gone']);
    expect(error.stopped.components.map(({ name }) => name).sort()).toEqual(['a', 'b', 'stubborn']);
    expect([slow.stops, never.stops]).toEqual([0, 0]);
    expect(graph.state).toBe('stopped');
    expect(isTransientLifecycleError(error)).toBe(false);
  });

  test('that is too slow fails, and what starts later all the same is stopped', async () => {
    const late = held('late', false);
    const stopped = createGate();
    const graph = createInitGraph([
      {
        ...late,
        startTimeoutMs: 1,
        stopTimeoutMs: 1,
        stop: () => {
          stopped.resolve(undefined);
        },
      },
    ]);
    const error = await failure(graph.start(), StartFailedError);
    expect(error.failures[0]?.error).toBeInstanceOf(StartTimeoutError);
    expect(error.message).toContain('"late" was not ready within 1 ms');
    expect(isTransientLifecycleError(error)).toBe(true);
    late.go();
    await stopped.promise;
  });

  test('can be aborted: by its signal, by stop, and before it began', async () => {
    const { log, part } = recorder();
    const slow = held('slow', true, ['a']);
    const graph = createInitGraph([part('a'), slow]);
    const abort = new AbortController();
    const starting = graph.start({ signal: abort.signal });
    await expect(graph.start()).rejects.toThrow(LifecycleStateError);
    abort.abort(new Error('enough'));
    const error = await failure(starting, StartCancelledError);
    expect(error.cause).toMatchObject({ message: 'enough' });
    expect(error.stopped.components.map(({ name, state }) => [name, state])).toEqual([['a', 'stopped']]);
    expect(log.at(-1)).toBe('a gone');

    const again = createInitGraph([part('a'), held('slow', true)]);
    const second = failure(again.start(), StartCancelledError);
    const [report, same] = await Promise.all([again.stop(), again.stop()]);
    expect(report.components).toHaveLength(1);
    expect(same).toEqual(report);
    expect((await second).cause).toBeInstanceOf(StartAbandonedError);
    expect(again.state).toBe('stopped');

    log.length = 0;
    await failure(graph.start({ signal: AbortSignal.abort(new Error('no')) }), StartCancelledError);
    expect(log).toEqual([]);
  });

  test('says why it failed, also when a stop comes while what had started is stopped again', async () => {
    const stopping = createGate();
    const release = createGate();
    const graph = createInitGraph([
      {
        name: 'base',
        start: () => {},
        stop: () => {
          stopping.resolve(undefined);
          return release.promise;
        },
      },
      { name: 'broken', dependsOn: ['base'], start: () => Promise.reject(new Error('the disk is gone')) },
    ]);
    const failed = failure(graph.start(), StartFailedError);
    await stopping.promise;
    const stopped = graph.stop();
    release.resolve(undefined);
    expect((await failed).message).toContain('the disk is gone');
    expect(await stopped).toEqual((await failed).stopped);
  });

  test('is stopped as the first who asked for it wants', async () => {
    const graph = createInitGraph([
      { name: 'base', start: () => {}, stop: () => new Promise(() => {}), stopTimeoutMs: 600_000 },
      held('slow', true, ['base']),
    ]);
    const failed = failure(graph.start(), StartCancelledError);
    const [report] = await Promise.all([graph.stop({ timeoutMs: 1 }), graph.stop({ timeoutMs: 600_000 })]);
    expect(report.late).toEqual(['base']);
    await failed;
  });

  test('names who ignores its signal', async () => {
    const deaf = held('deaf', false);
    const graph = createInitGraph([
      { ...deaf, stopTimeoutMs: 1 },
      { name: 'broken', start: () => Promise.reject(new Error('no')) },
    ]);
    const error = await failure(graph.start(), StartFailedError);
    expect(error.failures.map((one) => one.error)).toEqual([new Error('no'), expect.any(StartStuckError)]);
    deaf.go();
  });

  test('can follow a stop', async () => {
    const { log, part } = recorder();
    const graph = createInitGraph([part('a')]);
    await graph.start();
    await graph.stop();
    await graph.start();
    await graph.stop();
    expect(log.filter((line) => line === 'a ready')).toHaveLength(2);
  });
});

describe('a stop', () => {
  test('reports who was late, who failed, and goes on to the others', async () => {
    const { log, part } = recorder();
    const deaf = createGate();
    const graph = createInitGraph([
      part('base'),
      { name: 'late', dependsOn: ['base'], start: () => {}, stop: () => deaf.promise, stopTimeoutMs: 1 },
      {
        name: 'failed',
        dependsOn: ['base'],
        start: () => {},
        stop: () => Promise.reject(new Error('stuck')),
      },
    ]);
    await graph.start();
    const report = await graph.stop();
    expect(report.late).toEqual(['late']);
    expect(Object.fromEntries(report.components.map(({ name, state }) => [name, state]))).toEqual({
      base: 'stopped',
      late: 'late',
      failed: 'failed',
    });
    expect(report.components.find(({ name }) => name === 'failed')?.error).toEqual(new Error('stuck'));
    expect(log.at(-1)).toBe('base gone');
    deaf.resolve(undefined);
  });

  test.each(['deadline', 'signal'])(
    'that is over by its %s still asks everybody, with an aborted signal',
    async (by) => {
      const seen: boolean[] = [];
      const gate = createGate();
      const graph = createInitGraph([
        {
          name: 'base',
          start: () => {},
          stop: ({ signal }) => {
            seen.push(signal.aborted);
            return gate.promise;
          },
        },
        {
          name: 'hangs',
          dependsOn: ['base'],
          start: () => {},
          stop: () => gate.promise,
          stopTimeoutMs: 60_000,
        },
      ]);
      await graph.start();
      const hurry = new AbortController();
      const stopping = graph.stop(by === 'deadline' ? { timeoutMs: 1 } : { signal: hurry.signal });
      hurry.abort();
      const report = await stopping;
      expect(report.late).toEqual(['hangs', 'base']);
      expect(seen).toEqual([true]);
      gate.resolve(undefined);
    },
  );
});

test('starts and stops a real server', async () => {
  const server = createServer();
  const graph = createInitGraph([
    {
      name: 'server',
      start: async ({ signal }) => {
        server.listen(0, '127.0.0.1');
        await once(server, 'listening', { signal });
      },
      stop: async ({ signal }) => {
        server.close();
        await once(server, 'close', { signal });
      },
    },
  ]);
  await graph.start();
  expect(server.listening).toBe(true);
  expect((await graph.stop()).components[0]).toMatchObject({ name: 'server', state: 'stopped' });
  expect(server.listening).toBe(false);
});

test('the first signal asks to stop, the second to hurry; disposal stops listening', () => {
  const source = new EventEmitter();
  const signals = shutdownSignals({ source });
  source.emit('SIGTERM');
  expect([signals.stop.aborted, signals.hurry.aborted]).toEqual([true, false]);
  expect(signals.stop.reason).toEqual(new Error('SIGTERM was received'));
  source.emit('SIGINT');
  expect(signals.hurry.aborted).toBe(true);
  signals[Symbol.dispose]();
  expect(source.eventNames()).toEqual([]);
});
