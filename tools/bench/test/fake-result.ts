import { combine } from '../combine.mjs';
import { SCHEMA } from '../result.mjs';
import type { BenchResultFile } from '../result.mjs';
import type { RawGroup } from '../raw.mjs';

export function rawRound(ours: number, peer?: number, name = 'hash 64 MiB'): RawGroup {
  const entry = (of: string, role: 'ours' | 'peer', value: number): RawGroup['entries'][number] => ({
    name: of,
    role,
    unit: 'ms',
    values: [value],
    samples: 1,
  });
  return {
    kind: 'group',
    file: 'bench/flush.bench.ts',
    name,
    entries: [
      entry('hashFile', 'ours', ours),
      ...(peer === undefined ? [] : [entry('sha256sum', 'peer', peer)]),
    ],
    missing: peer === undefined ? [{ name: 'sha256sum', reason: 'sha256sum is not installed' }] : [],
  };
}

export function resultOf(raw: readonly RawGroup[], changes: Partial<BenchResultFile> = {}): BenchResultFile {
  const { groups, problems } = combine(raw);
  return {
    schema: SCHEMA,
    package: 'flush',
    date: '2026-01-19T15:30:00.000Z',
    commit: 'abc123',
    machine: { cpu: 'A', cores: 2, memoryBytes: 2 ** 34, kernel: '6.1', loadStart: 0.1, loadEnd: 1.2 },
    versions: { node: '24.21.0' },
    rounds: raw.length,
    confidence: 0.95,
    groups,
    memory: [],
    problems,
    ...changes,
  };
}
