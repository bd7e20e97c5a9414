import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestPath, digestTarget } from '../../src/phases/digest-path.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'osforge-digest-test-'));
  await mkdir(path.join(folder, 'sub'));
  await writeFile(path.join(folder, 'sub', 'a'), 'content');
  await symlink('a', path.join(folder, 'sub', 'link'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('times do not count', async () => {
  const before = await digestPath(folder);
  await utimes(path.join(folder, 'sub', 'a'), 1, 1);
  expect(await digestPath(folder)).toBe(before);
});

test.each([
  ['content', () => writeFile(path.join(folder, 'sub', 'a'), 'CONTENT')],
  ['a name', () => writeFile(path.join(folder, 'sub', 'b'), '')],
  ['executable or not', () => chmod(path.join(folder, 'sub', 'a'), 0o755)],
  [
    "a link's target",
    async () => {
      await rm(path.join(folder, 'sub', 'link'));
      await symlink('b', path.join(folder, 'sub', 'link'));
    },
  ],
] as const)('%s counts', async (_what, change) => {
  const before = await digestPath(folder);
  await change();
  expect(await digestPath(folder)).not.toBe(before);
});

test('what a link leads to counts for those who read through it, and for them alone', async () => {
  const link = path.join(folder, 'sub', 'link');
  const before = [await digestPath(link), await digestTarget(link)];
  await writeFile(path.join(folder, 'sub', 'a'), 'CONTENT');
  expect(await digestPath(link)).toBe(before[0]);
  expect(await digestTarget(link)).not.toBe(before[1]);
});
