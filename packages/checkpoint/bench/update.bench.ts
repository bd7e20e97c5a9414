import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsKey, openCheckpoint } from '@osforge/checkpoint';
import type { PhaseRecord } from '@osforge/checkpoint';
import { afterAll, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'osforge-checkpoint-bench-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** What a whole build of 14 phases has at its end: about 14 kB. */
function phase(index: number): PhaseRecord {
  const time = '2026-01-19T15:30:00.000Z';
  return {
    state: 'done',
    inputsKey: inputsKey(index),
    startedAt: time,
    completedAt: time,
    durationMs: 1234.5,
    artifacts: Array.from({ length: 2 }, (_, n) => ({
      name: `artifact-${n}`,
      path: `work/phase-${index}/artifact-${n}.raw`,
      sizeBytes: 2 ** 31,
      sha256: inputsKey([index, n]),
      retention: 'transient',
      identity: { mtimeNs: '1768836600000000000', ctimeNs: '1768836600000000000', inode: '2146401' },
    })),
    data: { tool: 'mkfs.ext4 1.47.0', packages: ['nginx', 'nginx-common', 'openssh-server'] },
  };
}

const secrets = ['correct horse battery staple', 'hunter2-hunter2'];
const checkpoint = await openCheckpoint({ directory, buildId: 'bench', secretValues: () => secrets });
await checkpoint.update((record) => ({
  ...record,
  phases: Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`phase-${index}`, phase(index)])),
}));
const bytes = readFileSync(checkpoint.path);
const target = join(directory, 'raw.json');

/** The least that is durable: write, fsync, rename, fsync of the folder. */
async function raw(): Promise<void> {
  const file = await open(`${target}.tmp`, 'w', 0o600);
  await file.write(bytes);
  await file.sync();
  await file.close();
  await rename(`${target}.tmp`, target);
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
}

let percentComplete = 0;

test(`save a record of ${bytes.length} bytes`, async ({ bench }) => {
  await bench.compare(
    bench('update', async () => {
      percentComplete = (percentComplete + 1) % 100;
      await checkpoint.update((record) => ({ ...record, percentComplete }));
    }),
    bench('floor: write+fsync+rename+fsync', raw),
    { time: 1000 },
  );
  if (!existsSync(target)) throw new Error('the peer wrote nothing');
});
