import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint, type Checkpoint } from '@osforge/checkpoint';
import { createEventBus } from '@osforge/event-bus';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BuildEvents } from '../../src/build/events.ts';
import { ledgerHandlers } from '../../src/build/ledger-handlers.ts';
import { removeLeftovers } from '../../src/build/leftovers.ts';

let directory: string;
let checkpoint: Checkpoint;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'osforge-leftovers-'));
  checkpoint = await openCheckpoint({ directory: path.join(directory, '.osforge'), buildId: 'one' });
});
afterEach(async () => {
  await checkpoint.close();
  await rm(directory, { recursive: true, force: true });
});

test('what cannot be removed is told with its reason, and stays in the ledger', async () => {
  const left = path.join(directory, 'left');
  await writeFile(left, '');
  await checkpoint.ledger.register('file', '/etc/hostname');
  await checkpoint.ledger.register('file', left);
  await checkpoint.ledger.register('loop-device', '/dev/loop7');
  const bus = createEventBus<BuildEvents>({ buildId: 'one', replaySize: 16 });
  const told: BuildEvents['cleanup.failed'][] = [];
  bus.select('cleanup.failed').subscribe(({ data }) => told.push(data));
  await removeLeftovers(checkpoint, ledgerHandlers(directory), directory, bus);
  expect(told).toEqual([
    {
      what: 'ledger',
      resource: 'file /etc/hostname',
      resourceType: 'file',
      resourceId: '/etc/hostname',
      message: expect.stringContaining('left alone') as string, // the matcher stands for the text
      code: 'LEDGER_PATH',
    },
    expect.objectContaining({ resourceType: 'loop-device', resourceId: '/dev/loop7' }),
  ]);
  expect(checkpoint.ledger.entries().map(({ resourceId }) => resourceId)).toEqual([
    '/etc/hostname',
    '/dev/loop7',
  ]);
});
