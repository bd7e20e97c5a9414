import { execFileSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Containment } from '@osforge/process';

/** Nobody may make a user namespace in a chroot; a bind mount of / in a mount namespace is enough of one. */
test('where a mechanism is refused the tree is contained by another, with the reason (needs root)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'osforge-process-'));
  const root = join(folder, 'root');
  mkdirSync(root);
  const parent = join(import.meta.dirname, 'fixtures/parent.ts');
  const options = { lifetime: 'tree', mechanism: 'user-pid-namespace' };
  const script = 'mount --rbind / "$1" && shift && exec chroot "$@"';
  const command = [root, root, process.execPath, '--conditions=@osforge/source', parent];
  const job = JSON.stringify({ args: ['-c', 'exit 0'], options });
  const output = execFileSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command, job]);
  // Written by the fixture in this shape.
  const { containment } = JSON.parse(output.toString()) as { containment: Containment };
  expect(containment.mechanism).toBe('pid-namespace');
  expect(containment.reason).toMatch(/^user-pid-namespace: .*Operation not permitted/);
  rmdirSync(root);
  await rm(folder, { recursive: true });
});
