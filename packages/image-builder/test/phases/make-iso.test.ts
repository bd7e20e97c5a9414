import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeIso } from '../../src/phases/app-medium.ts';

test('equal folders give equal bytes, whenever and in whatever order their files were written', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'osforge-iso-'));
  try {
    const images: Buffer[] = [];
    for (const [place, names, seconds] of [
      ['one', ['a', 'b', 'c'], 1_700_000_000],
      ['other', ['c', 'b', 'a'], 1_700_000_042],
    ] as const) {
      const folder = path.join(root, place);
      await mkdir(path.join(folder, 'osforge'), { recursive: true });
      for (const name of names) {
        const file = path.join(folder, 'osforge', name);
        await writeFile(file, `this is ${name}\n`);
        await utimes(file, seconds, seconds);
      }
      const target = path.join(root, `${place}.iso`);
      const { signal } = new AbortController();
      await makeIso({ folder, target, label: 'OSFORGE', epochSeconds: 1_750_000_000, signal });
      images.push(await readFile(target));
    }
    expect(images[0]?.length).toBeGreaterThan(0);
    expect(images[0]?.equals(images[1] ?? Buffer.alloc(0))).toBe(true);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
