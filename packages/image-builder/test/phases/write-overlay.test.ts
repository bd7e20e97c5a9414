import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { writeOverlay } from '../../src/phases/write-overlay.ts';

const former = process.umask(0o022);
let root: string | undefined;

afterEach(async () => {
  process.umask(former);
  if (root !== undefined) await rm(root, { recursive: true, force: true });
});

test.each([0o077, 0o022, 0o000])(
  'files of an image have its modes, whatever the umask (%i)',
  async (umask) => {
    root = await mkdtemp(path.join(tmpdir(), 'osforge-overlay-'));
    const overlay = path.join(root, 'overlay');
    process.umask(umask);
    await writeOverlay(overlay, [
      { path: 'etc/hostname', content: 'host\n' },
      { path: 'etc/sudoers.d/osforge', content: '', mode: 0o440 },
    ]);
    const modes = ['.', 'etc', 'etc/hostname', 'etc/sudoers.d', 'etc/sudoers.d/osforge'].map(
      async (name) => (await stat(path.join(overlay, name))).mode & 0o7777,
    );
    expect(await Promise.all(modes)).toEqual([0o755, 0o755, 0o644, 0o755, 0o440]);
  },
);
