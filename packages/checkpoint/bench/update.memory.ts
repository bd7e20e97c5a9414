import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '@osforge/checkpoint';

export const cycles = 2000;

const directory = mkdtempSync(join(tmpdir(), 'osforge-checkpoint-memory-'));
const checkpoint = await openCheckpoint({ directory, buildId: 'bench' });
let percentComplete = 0;

export async function cycle(): Promise<void> {
  percentComplete = (percentComplete + 1) % 100;
  await checkpoint.update((record) => ({ ...record, percentComplete }));
}

export async function teardown(): Promise<void> {
  await checkpoint.close();
  rmSync(directory, { recursive: true, force: true });
}
