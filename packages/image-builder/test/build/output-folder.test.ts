import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { layOut, type BuildLayout } from '../../src/build/layout.ts';
import { prepareOutputFolder } from '../../src/build/output-folder.ts';

let out: string;
let layout: BuildLayout;
beforeEach(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'osforge-output-folder-'));
  layout = layOut(out, 'one', path.join(out, 'cache'));
});
afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

const modeOf = async (place: string): Promise<number> => (await stat(place)).mode & 0o777;

test("nobody else can list the builder's own folder; what the user gets follows the umask", async () => {
  await prepareOutputFolder(layout);
  const ordinary = path.join(out, 'ordinary');
  await mkdir(ordinary);
  expect((await modeOf(layout.state)) & 0o066).toBe(0);
  expect(await modeOf(layout.directory)).toBe(await modeOf(ordinary));
});

test('a folder that an earlier version has left open is closed, but for the indexes that apt fetches', async () => {
  for (const place of [layout.work, layout.logs, layout.indexes]) {
    await mkdir(place, { recursive: true });
    await chmod(place, 0o755);
  }
  await chmod(layout.state, 0o755);
  await prepareOutputFolder(layout);
  expect((await modeOf(layout.state)) & 0o066).toBe(0);
  expect(await modeOf(layout.work)).toBe(0o700);
  expect(await modeOf(layout.logs)).toBe(0o700);
  expect(await modeOf(layout.indexes)).toBe(0o755);
});
