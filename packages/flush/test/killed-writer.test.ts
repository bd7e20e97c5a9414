import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { removeStaleTemps, writeFileDurable } from '@osforge/flush';
import { scratch } from './scratch.ts';
import { content, versionOf } from './versioned-content.ts';

const program = join(import.meta.dirname, 'killed-writer.ts');
const steps = ['open', 'write', 'chmod', 'sync', 'close', 'rename'].flatMap((step) => [
  `-${step}`,
  `+${step}`,
]);

/** Runs a writer until it dies; returns the last version that it said was durable. */
async function runAndKill(path: string, dieAt: string | undefined, round: number): Promise<number> {
  const args = ['--conditions=@osforge/source', '--no-warnings', program, path];
  const child = spawn(process.execPath, [...args, ...(dieAt === undefined ? [] : [dieAt])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let said = 0;
  for await (const line of createInterface(child.stdout)) {
    said = Number(line);
    // Killed from outside while it is somewhere in the version after the one it told of.
    if (dieAt === undefined && said >= 1 + (round % 7)) child.kill('SIGKILL');
  }
  expect(await ended).toEqual([null, 'SIGKILL']);
  return said;
}

test('a writer killed 100 times leaves the old content or the new one', { timeout: 900_000 }, async () => {
  const folder = scratch();
  const path = join(folder, 'state');
  let leftovers = 0;
  const outcomes = { old: 0, new: 0 };
  for (let round = 0; round < 100; round += 1) {
    await writeFileDurable(path, content(0));
    const dieAt = round < 60 ? steps[round % steps.length] : undefined;
    const said = await runAndKill(path, dieAt, round);
    const found = versionOf(await readFile(path, 'utf8'));
    // What it said was durable is there, or the version that it was killed in.
    expect([said, said + 1], `round ${round}, killed at ${dieAt ?? 'random'}`).toContain(found);
    outcomes[found === said ? 'old' : 'new'] += 1;
    const names = await readdir(folder);
    leftovers += names.length - 1;
    expect((await removeStaleTemps(folder)).map((removed) => join(removed, '..'))).toEqual(
      names.filter((name) => name !== 'state').map(() => folder),
    );
    expect(await readdir(folder)).toEqual(['state']);
  }
  // Both outcomes and leftovers were really met.
  expect(outcomes.old).toBeGreaterThan(0);
  expect(outcomes.new).toBeGreaterThan(0);
  expect(leftovers).toBeGreaterThan(20);
});

test('the temp of a writer that still runs is not stale, nor is anything else in the folder', async () => {
  const folder = scratch();
  let during: string[] = [];
  const { faultFileSystem } = await import('./fault-file-system.ts');
  const fs = faultFileSystem((call) =>
    call === 'rename'
      ? removeStaleTemps(folder).then((removed) => {
          during = removed;
        })
      : undefined,
  );
  const names = ['.state.1.2.osforge-tmp', 'state.1.2.0123456789abcdef.osforge-tmp', '.x.tmp'];
  for (const name of names) await writeFile(join(folder, name), '');
  await writeFileDurable(join(folder, 'state'), 'x', { fs });
  expect(during).toEqual([]);
  expect((await readdir(folder)).sort()).toEqual([...names, 'state'].sort());
});

test('a process of the same number that was started later does not keep a temp alive', async () => {
  const folder = scratch();
  const stale = join(folder, `.state.${process.pid}.1.0123456789abcdef.osforge-tmp`);
  await writeFile(stale, '');
  expect(await removeStaleTemps(folder)).toEqual([stale]);
});
