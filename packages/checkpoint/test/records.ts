import type { PhaseRecord } from '@osforge/checkpoint';
import { inputsKey } from '@osforge/checkpoint';

const time = '2026-01-19T15:30:00.000Z';

export function phaseRecord(change: Partial<PhaseRecord> = {}): PhaseRecord {
  return {
    state: 'done',
    inputsKey: inputsKey(['a phase']),
    startedAt: time,
    completedAt: time,
    durationMs: 12.5,
    artifacts: [
      {
        name: 'disk',
        path: 'work/disk.raw',
        sizeBytes: 5,
        sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
        retention: 'transient',
        identity: { mtimeNs: '1', ctimeNs: '2', inode: '3' },
      },
    ],
    data: { packages: ['nginx'], nested: { count: 1 } },
    ...change,
  };
}
