import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRecipe, startBuild } from '@osforge/image-builder';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'osforge-secret-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

test.each([
  ['a password', 'users:\n  - name: ada\n    password: env:ADA_HASH', 'env:ADA_HASH'],
  ['keys', 'users:\n  - name: ada\n    authorizedKeys: ["file:ada.pub"]', 'file:ada.pub'],
  [
    "a script's variable",
    'apps:\n  - name: web\n    scripts:\n      - path: run.sh\n        env: { TOKEN: env:WEB_TOKEN }',
    'env:WEB_TOKEN',
  ],
])(
  'a recipe whose secret for %s is missing fails before anything is fetched',
  async (_, lines, reference) => {
    await writeFile(path.join(root, 'run.sh'), '#!/bin/sh\n');
    await writeFile(path.join(root, 'recipe.yaml'), `version: 1\nname: secretive\n${lines}\n`);
    const build = await startBuild(await loadRecipe(path.join(root, 'recipe.yaml')), {
      outDirectory: path.join(root, 'out'),
      cacheDirectory: path.join(root, 'cache'),
      variables: {},
    });
    const { outcome, error } = await build.result;
    expect(outcome).toBe('failed');
    expect(error?.message).toContain(reference);
    expect(error?.cause).toMatchObject({ code: 'SECRET_MISSING' });
    expect(await readdir(path.join(root, 'out', 'secretive', '.osforge'))).not.toContain('work');
  },
);
