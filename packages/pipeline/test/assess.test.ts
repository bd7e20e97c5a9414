import type { PhaseRecord } from '@osforge/checkpoint';
import { describe, expect, test } from 'vitest';
import { assess } from '../src/assess.ts';
import type { AssessMode, PhaseFacts } from '../src/assess.ts';
import { resultDigest, withProvenance } from '../src/provenance.ts';

interface Sketch {
  readonly dependsOn?: string[];
  readonly reads?: string[];
  readonly problem?: string;
  readonly skip?: string;
  readonly released?: boolean;
  readonly releases?: string[];
  /** The upstream results that the record was made from; default: as they are now. */
  readonly madeFrom?: Record<string, string>;
}

/** Facts of phases whose records hold, but for what the sketch says; given upstream first. */
function facts(sketches: Record<string, Sketch>): PhaseFacts[] {
  const records = new Map<string, PhaseRecord>();
  return Object.entries(sketches).map(([name, sketch]) => {
    const dependsOn = sketch.dependsOn ?? [];
    const through = (names: string[]): string[] =>
      names.flatMap((one) =>
        sketches[one]?.skip === undefined ? [one] : through(sketches[one].dependsOn ?? []),
      );
    const upstream = Object.fromEntries(
      through(dependsOn).map((one) => {
        const record = records.get(one);
        const result = record === undefined ? 'skipped' : resultDigest(record);
        return [one, { key: 'key', result: sketch.madeFrom?.[one] ?? result }];
      }),
    );
    const artifact = {
      name: `${name}.raw`,
      path: `${name}.raw`,
      sizeBytes: 1,
      sha256: name.padEnd(64, '0'),
      retention: 'transient' as const,
      identity: { mtimeNs: '1', ctimeNs: '1', inode: '1' },
      ...(sketch.released === true ? { released: true as const } : {}),
    };
    const record: PhaseRecord = {
      state: 'done',
      inputsKey: 'key',
      startedAt: '',
      completedAt: '',
      durationMs: 1,
      artifacts: [artifact],
      data: withProvenance(
        {},
        {
          phaseVersion: '1',
          inputs: {},
          upstream,
          released: sketch.releases ?? [],
        },
      ),
    };
    records.set(name, record);
    return {
      name,
      dependsOn,
      reads: sketch.reads ?? dependsOn,
      skip: sketch.skip,
      problem: sketch.problem,
      record,
      inputsKey: 'key',
    };
  });
}

function states(sketches: Record<string, Sketch>, mode: AssessMode = 'certain'): Record<string, string> {
  return Object.fromEntries([...assess(facts(sketches), mode)].map(([name, { state }]) => [name, state]));
}

describe('whether a phase has to run', () => {
  test('no problem anywhere: nothing has to', () => {
    expect(states({ a: {}, b: { dependsOn: ['a'] } })).toEqual({ a: 'valid', b: 'valid' });
  });

  test('a problem makes downstream phases wait for the new result, however far', () => {
    const sketch = { a: { problem: 'gone' }, b: { dependsOn: ['a'] }, c: { dependsOn: ['b'] }, d: {} };
    expect(states(sketch)).toEqual({ a: 'must', b: 'may', c: 'may', d: 'valid' });
  });

  test('a result that is not the one it was made from makes it run', () => {
    const sketch = { a: {}, b: { dependsOn: ['a'], madeFrom: { a: 'other' } }, c: { dependsOn: ['b'] } };
    expect(states(sketch)).toEqual({ a: 'valid', b: 'must', c: 'may' });
    expect(assess(facts(sketch), 'certain').get('b')?.reason).toBe(
      'upstream a has another result than before',
    );
  });

  test('released artifacts are not missed while nobody who reads them runs', () => {
    const sketch = {
      a: { released: true },
      b: { dependsOn: ['a'], released: true },
      c: { dependsOn: ['b'] },
    };
    expect(states(sketch)).toEqual({ a: 'valid', b: 'valid', c: 'valid' });
  });

  test('released artifacts are made again, upwards, when somebody who reads them must run', () => {
    const sketch = {
      a: { released: true },
      b: { dependsOn: ['a'], released: true },
      c: { dependsOn: ['b'], problem: 'gone' },
      other: { dependsOn: ['a'] },
    };
    expect(states(sketch)).toEqual({ a: 'must', b: 'must', c: 'must', other: 'may' });
    const reasons = assess(facts(sketch), 'certain');
    expect(reasons.get('b')?.reason).toBe('its released artifact b.raw is needed again by c');
  });

  test('a clean-up phase that reads nothing does not bring back what it released', () => {
    const sketch = { a: { released: true }, clean: { dependsOn: ['a'], reads: [], problem: 'not done yet' } };
    expect(states(sketch)).toEqual({ a: 'valid', clean: 'must' });
  });

  test('what was released and made again with the same result is released again', () => {
    const clean = { dependsOn: ['a', 'b'], reads: [], releases: ['a', 'b'] };
    expect(states({ a: { released: true }, b: { released: true }, clean })).toMatchObject({ clean: 'valid' });
    const again = { a: { released: true }, b: {}, clean };
    expect(states(again)).toEqual({ a: 'valid', b: 'valid', clean: 'must' });
    expect(assess(facts(again), 'certain').get('clean')?.reason).toBe(
      'transient artifacts of b are to be released again',
    );
  });

  test('released artifacts wait with a phase that only may run, unless the worst case is asked for', () => {
    const sketch = {
      disk: { released: true },
      apps: { problem: 'gone' },
      install: { dependsOn: ['disk', 'apps'] },
    };
    expect(states(sketch)).toEqual({ disk: 'valid', apps: 'must', install: 'may' });
    expect(states(sketch, 'worst-case')).toEqual({ disk: 'must', apps: 'must', install: 'may' });
  });

  test('a skipped phase stands for what it depends on', () => {
    const sketch = {
      disk: { released: true },
      updates: { dependsOn: ['disk'], skip: 'not requested' },
      start: { dependsOn: ['updates'], problem: 'gone' },
      end: { dependsOn: ['start'] },
    };
    expect(states(sketch)).toEqual({ disk: 'must', updates: 'skip', start: 'must', end: 'may' });
  });
});
