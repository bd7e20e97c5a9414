import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

/** A folder for the tests of one file, removed after them. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-event-bus-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
