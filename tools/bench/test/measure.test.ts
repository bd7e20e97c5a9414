import { execFileSync, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseArguments } from '../arguments.mjs';
import { missingProgram, operationsOf, roleOf } from '../measure/role.mjs';
import { Sampler } from '../measure/sampler.mjs';

describe('names', () => {
  test('tell the role', () => {
    expect(roleOf('peer: sha256sum')).toEqual({ role: 'peer', name: 'sha256sum' });
    expect(roleOf('floor: write + fsync')).toEqual({ role: 'floor', name: 'write + fsync' });
    expect(roleOf('hashFile, peer: none')).toEqual({ role: 'ours', name: 'hashFile, peer: none' });
  });

  test('tell the operations of a call', () => {
    expect(operationsOf('publish (1000 operations a call)')).toEqual({ name: 'publish', operations: 1000 });
    expect(operationsOf('publish 1000 events')).toEqual({
      name: 'publish 1000 events',
      operations: undefined,
    });
  });
});

describe('a program that is not installed', () => {
  const failure = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };

  test('by itself', async () => {
    expect(missingProgram(failure(() => execFileSync('no-such-program-x', [])))).toBe(
      'no-such-program-x is not installed',
    );
    const thrown: unknown = await promisify(execFile)('no-such-program-x').catch((error: unknown) => error);
    expect(missingProgram(thrown)).toBe('no-such-program-x is not installed');
    expect(missingProgram(new Error('wrapped', { cause: thrown }))).toBe(
      'no-such-program-x is not installed',
    );
  });

  test('in a shell', () => {
    const error = failure(() => execFileSync('sh', ['-c', 'no-such-program-x --flag'], { stdio: 'pipe' }));
    expect(missingProgram(error)).toBe('no-such-program-x is not installed');
  });

  test('is not what fails for another reason', () => {
    expect(missingProgram(failure(() => execFileSync('false')))).toBeUndefined();
    expect(missingProgram(new Error('not found'))).toBeUndefined();
    expect(
      missingProgram(failure(() => execFileSync('cat', ['/no/such/file'], { stdio: 'pipe' }))),
    ).toBeUndefined();
  });
});

describe('sampler', () => {
  const options = { timeMs: 0, iterations: 8, warmupMs: 0, warmupIterations: 2 };

  test('takes the iterations in portions, after the warm-up', async () => {
    const calls: string[] = [];
    let nowMs = 0;
    const hooks = { beforeEach: () => calls.push('before'), afterAll: () => calls.push('end') };
    const fn = async (): Promise<void> => {
      await Promise.resolve();
      nowMs += 5;
    };
    const sampler = new Sampler({ fn, hooks }, options, () => nowMs);
    await sampler.warmUp();
    expect(calls).toHaveLength(2);
    await sampler.sampleUntil(0.25);
    expect(sampler.samples).toEqual([5, 5]);
    await sampler.sampleUntil(1);
    await sampler.close();
    expect(sampler.samples).toEqual(Array.from({ length: 8 }, () => 5));
    expect(calls.filter((call) => call === 'before')).toHaveLength(10);
    expect(calls.at(-1)).toBe('end');
  });

  test('calls what is short many times a sample', async () => {
    let calls = 0;
    let nowMs = 0;
    const fn = (): void => {
      calls += 1;
      nowMs += 0.000_1;
    };
    const sampler = new Sampler({ fn, hooks: {} }, options, () => nowMs);
    await sampler.warmUp();
    await sampler.sampleUntil(1);
    expect(calls).toBeGreaterThan(8 * 500);
    for (const sample of sampler.samples) expect(sample).toBeCloseTo(0.0001, 6);
  });

  test('takes a duration that the function tells, in the order told', async () => {
    let told = 0;
    const fn = (): { overriddenDuration: number } => ({ overriddenDuration: (told += 1) });
    const sampler = new Sampler({ fn, hooks: {} }, { ...options, warmupIterations: 0 });
    await sampler.warmUp();
    await sampler.sampleUntil(1);
    expect(sampler.samples).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('arguments', () => {
  test('in both forms', () => {
    expect(parseArguments(['--only', 'flush,checkpoint', '--rounds=7'])).toEqual({
      rounds: 7,
      profile: undefined,
      only: ['flush', 'checkpoint'],
      program: undefined,
    });
    expect(parseArguments(['--profile=heap'])).toMatchObject({ rounds: 5, profile: 'heap' });
  });

  test.each([
    [['--rounds', '0'], /--rounds takes a number from 1/],
    [['--profile', 'disk'], /"cpu" or "heap"/],
    [['--only'], /--only takes a value/],
    [['flush'], /unknown argument "flush"/],
    [['--fast'], /unknown argument "--fast"/],
  ])('%j is refused', (argv, message) => {
    expect(parseArguments(argv)).toMatchObject({ usageError: expect.stringMatching(message) as unknown });
  });
});
