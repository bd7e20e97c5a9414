import { describe, expect, test } from 'vitest';
import {
  DuplicatePhaseError,
  PhaseCycleError,
  PhaseDefinitionError,
  UnknownPhaseError,
} from '../src/errors.ts';
import { buildGraph } from '../src/graph.ts';

const node = (name: string, ...dependsOn: string[]) => ({ name, weight: 1, dependsOn });

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a list of phases', () => {
  test('is ordered so that each comes after what it depends on', () => {
    const graph = buildGraph([node('c', 'b'), node('a'), node('b', 'a'), node('d')]);
    expect(graph.ordered.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    expect(graph.dependsOn('c', 'a')).toBe(true);
    expect(graph.dependsOn('a', 'c')).toBe(false);
  });

  test('with two equal names is refused', () => {
    const error = thrown(() => buildGraph([node('a'), node('a')]));
    expect(error).toBeInstanceOf(DuplicatePhaseError);
    expect(error).toMatchObject({ code: 'PIPELINE_DUPLICATE_PHASE', phase: 'a' });
  });

  test('with an unknown name is refused, and says which names there are', () => {
    const error = thrown(() => buildGraph([node('a'), node('b', 'aa')]));
    expect(error).toBeInstanceOf(UnknownPhaseError);
    expect(error).toMatchObject({ phase: 'b', unknown: 'aa', known: ['a', 'b'] });
  });

  test('with a circle is refused, and names the circle only', () => {
    const error = thrown(() => buildGraph([node('x', 'a'), node('a', 'c'), node('b', 'a'), node('c', 'b')]));
    expect(error).toBeInstanceOf(PhaseCycleError);
    expect(error).toMatchObject({ cycle: ['a', 'c', 'b', 'a'] });
    expect(thrown(() => buildGraph([node('a', 'a')]))).toMatchObject({ cycle: ['a', 'a'] });
  });

  test('is refused for weights and names that cannot work, and for reads that are not declared', () => {
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const error = thrown(() => buildGraph([{ name: 'a', weight, dependsOn: [] }]));
      expect(error).toBeInstanceOf(PhaseDefinitionError);
      expect(error).toMatchObject({ field: 'weight' });
    }
    expect(thrown(() => buildGraph([node('')]))).toMatchObject({ field: 'name' });
    expect(thrown(() => buildGraph([node('a/b')]))).toMatchObject({ field: 'name' });
    expect(thrown(() => buildGraph([node('a'), { ...node('b'), reads: ['a'] }]))).toMatchObject({
      field: 'reads',
    });
  });
});
