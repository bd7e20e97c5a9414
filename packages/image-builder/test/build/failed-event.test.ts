import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRecipe, startBuild } from '@osforge/image-builder';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-failed-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test.each([
  [
    'a secret that is missing',
    'users:\n  - name: ada\n    password: env:ADA_HASH',
    { code: 'SECRET_MISSING', message: 'env:ADA_HASH' },
  ],
  [
    'an archive that is not there',
    'distribution:\n  mirror: http://127.0.0.1:1/debian\nupdates:\n  security: false',
    { code: 'PACKAGES_MIRROR_UNREACHABLE', message: '127.0.0.1' },
  ],
])(
  'the events of a build that failed for %s have the code and the words of what really happened',
  { timeout: 300_000 },
  async (_, lines, expected) => {
    const file = path.join(root, 'recipe.yaml');
    await writeFile(file, `version: 1\nname: failing\n${lines}\n`);
    const build = await startBuild(await loadRecipe(file), {
      outDirectory: path.join(root, 'out'),
      cacheDirectory: path.join(root, 'cache'),
      variables: {},
    });
    const failures = new Map<string, { code?: string; message: string }>();
    build.bus.events$.subscribe((event) => {
      if (event.type === 'build.failed' || event.type === 'phase.failed')
        failures.set(event.type, event.data);
    });
    const { outcome, error } = await build.result;
    expect(outcome).toBe('failed');
    for (const type of ['phase.failed', 'build.failed']) {
      expect(failures.get(type), type).toMatchObject({
        code: expected.code,
        message: expect.stringContaining(expected.message) as string,
      });
    }
    // What the command line prints: the same words.
    expect(error?.message).toContain(expected.message);
  },
);
