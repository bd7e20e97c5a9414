import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint, recordArtifact, type ArtifactRetention, type Checkpoint } from '@osforge/checkpoint';
import { createEventBus, type EventBus } from '@osforge/event-bus';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BuildEvents } from '../../src/build/events.ts';
import { forgetUnplanned } from '../../src/build/forget-unplanned.ts';
import { ledgerHandlers } from '../../src/build/ledger-handlers.ts';
import { removeLeftovers } from '../../src/build/leftovers.ts';
import { buildPhases } from '../../src/phases/index.ts';
import { environmentOf } from '../phases/environment.ts';

let root: string;
let directory: string;
let checkpoint: Checkpoint;
let bus: EventBus<BuildEvents>;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-unplanned-'));
  directory = path.join(root, 'out', 'demo');
  checkpoint = await openCheckpoint({ directory: path.join(directory, '.osforge'), buildId: 'demo' });
  bus = createEventBus<BuildEvents>({ buildId: 'demo', replaySize: 64 });
});
afterEach(async () => {
  await checkpoint.close();
  await rm(root, { recursive: true, force: true });
});

async function done(phase: string, files: Record<string, ArtifactRetention>): Promise<void> {
  const artifacts = await Promise.all(
    Object.entries(files).map(async ([name, retention]) => {
      const place = path.join(directory, '.osforge', 'work', name);
      await mkdir(path.dirname(place), { recursive: true });
      await writeFile(place, name);
      return recordArtifact(place, { name, retention, buildDirectory: directory });
    }),
  );
  const time = new Date().toISOString();
  const times = { startedAt: time, completedAt: time, durationMs: 0 };
  await checkpoint.update((build) => ({
    ...build,
    phases: {
      ...build.phases,
      [phase]: { state: 'done', inputsKey: '0'.repeat(64), ...times, artifacts, data: {} },
    },
  }));
}

const work = async (): Promise<string[]> => (await readdir(path.join(directory, '.osforge', 'work'))).sort();

test('a recipe without applications any more gives back the saved machines, and keeps the rest', async () => {
  await done('disk', { 'disk.raw': 'cache' });
  await done('vm-start', { 'vm-booted.state': 'cache', '1-booted.qcow2': 'cache' });
  await done('app-install', { 'vm-installed.state': 'transient' });
  await done('a-phase-of-old', { 'old.raw': 'cache' });

  const phases = buildPhases(await environmentOf(root));
  await forgetUnplanned(checkpoint, phases, directory, bus);
  // A kill here loses nothing: the ledger has what the phases have not any more.
  expect(Object.keys(checkpoint.record.phases)).toEqual(['disk']);
  expect(checkpoint.ledger.entries()).toHaveLength(4);

  await removeLeftovers(checkpoint, ledgerHandlers(directory), directory, bus);
  expect(await work()).toEqual(['disk.raw']);
  expect(checkpoint.ledger.entries()).toEqual([]);
});

test('with its applications a build keeps its machines', async () => {
  await done('vm-start', { 'vm-booted.state': 'cache' });
  const { record } = checkpoint;
  const apps = 'apps:\n  - name: web\n    packages: [nginx]\n';
  await forgetUnplanned(checkpoint, buildPhases(await environmentOf(root, apps)), directory, bus);
  expect(checkpoint.record).toBe(record);
});

test('a leftover under whose name an artifact was made meanwhile is none any more', async () => {
  await checkpoint.ledger.register('file', path.join(directory, '.osforge', 'work', 'vm-booted.state'));
  await done('vm-start', { 'vm-booted.state': 'cache' });
  await removeLeftovers(checkpoint, ledgerHandlers(directory), directory, bus);
  expect(await work()).toEqual(['vm-booted.state']);
  expect(checkpoint.ledger.entries()).toEqual([]);
});
