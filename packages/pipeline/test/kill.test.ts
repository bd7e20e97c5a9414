import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readCheckpoint } from '@osforge/checkpoint';
import { expect, test } from 'vitest';
import { folder } from './fixture.ts';
import { seeded } from './random-graph.ts';

interface ChildEnd {
  readonly lines: readonly string[];
  readonly killed: boolean;
}

/**
 * Run the child; SIGKILL it when it has said `killAt` lines: from outside, which comes a moment later and may come too
 * late, or by its own hand at that very line.
 */
async function child(
  seed: number,
  directory: string,
  killAt = Number.POSITIVE_INFINITY,
  by: 'itself' | 'us' = 'us',
): Promise<ChildEnd> {
  const script = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
  const own = by === 'itself' ? [String(killAt)] : [];
  const args = ['--conditions=@osforge/source', script, String(seed), directory, ...own];
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(running, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: running.stdout })) {
    lines.push(line);
    if (lines.length === killAt) running.kill('SIGKILL');
  }
  await exited;
  return { lines, killed: running.signalCode === 'SIGKILL' };
}

async function outputs(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.out')).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
    ),
  );
}

/** What was made, apart from when and on which inode. */
async function results(directory: string): Promise<unknown> {
  const record = await readCheckpoint({ directory, buildId: 'test' });
  return Object.entries(record?.phases ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { state, inputsKey, artifacts }]) => [
      name,
      state,
      inputsKey,
      artifacts.map(({ path, sha256, released }) => [path, sha256, released]),
    ]);
}

const done = async (directory: string): Promise<string[]> =>
  Object.keys((await readCheckpoint({ directory, buildId: 'test' }))?.phases ?? {});

const starts = async (directory: string): Promise<string[]> =>
  (await readFile(join(directory, 'starts.log'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

/** Kill the run at random points, at most `kills` times, then let it end; what is committed never runs again. */
async function killUntilDone(
  seed: number,
  directory: string,
  kills: number,
  random: () => number,
  total: number,
) {
  let killed = 0;
  let finished: ChildEnd;
  do {
    const committed = new Set(await done(directory));
    const before = (await starts(directory)).length;
    const killAt = killed < kills ? 1 + Math.floor(random() * total) : undefined;
    // The first kill must not miss: a machine may be so busy that the child ends before we have read its line.
    finished = await child(seed, directory, killAt, killed === 0 ? 'itself' : 'us');
    const repeated = (await starts(directory)).slice(before).filter((name) => committed.has(name));
    expect(repeated, `seed ${seed}: committed phases that ran again`).toEqual([]);
    if (finished.killed) killed += 1;
  } while (finished.killed);
  expect(finished.lines.at(-1)).toMatch(/^outcome (completed|unchanged)/);
  return killed;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'a random pipeline (seed %i), killed at random points, ends as one that was never killed',
  { timeout: 300_000 },
  async (seed) => {
    const random = seeded(seed * 1000);
    const [whole, cut] = [await folder(), await folder()];
    const { lines } = await child(seed, whole);
    expect(lines.at(-1)).toBe('outcome completed ');
    expect(new Set(await starts(whole)).size).toBe((await starts(whole)).length);

    const killed = await killUntilDone(seed, cut, 3, random, lines.length);
    expect(killed).toBeGreaterThan(0);
    expect(await outputs(cut)).toEqual(await outputs(whole));
    expect(await results(cut)).toEqual(await results(whole));

    // Now an artifact is lost or rots, and the run that repairs it is killed as well.
    const names = Object.keys(await outputs(cut));
    const victim = names[Math.floor(random() * names.length)];
    if (victim === undefined) return;
    const path = join(cut, victim);
    const content = await readFile(path);
    if (random() < 0.5) {
      await rm(path);
    } else {
      content[0] = (content[0] ?? 0) ^ 1;
      await writeFile(path, content);
    }
    const before = (await starts(cut)).length;
    let end = await child(seed, cut, 1 + Math.floor(random() * lines.length));
    if (end.killed) end = await child(seed, cut);
    expect(end.lines.at(-1)).toMatch(/^outcome (completed|unchanged)/);
    expect((await starts(cut)).slice(before)).toContain(victim.replace('.out', ''));
    expect((await child(seed, cut)).lines.at(-1)).toBe('outcome unchanged ');
    expect(await results(cut)).toEqual(await results(whole));
  },
);
