import { chmod, cp, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { run } from '@osforge/process';
import type { App } from '../recipe/recipe.ts';

async function applyMode(target: string, mode: number): Promise<void> {
  const status = await lstat(target);
  if (status.isSymbolicLink()) return;
  if (!status.isDirectory()) {
    await chmod(target, mode);
    return;
  }
  // A folder must be searchable by whoever may read the files in it.
  await chmod(target, mode | ((mode & 0o444) >> 2));
  for (const name of await readdir(target)) await applyMode(path.join(target, name), mode);
}

/** Packs an application's files as one tar, with the owner and mode that the recipe gives each. */
export async function archiveFiles(request: {
  app: App;
  recipeDirectory: string;
  target: string;
  epochSeconds: number;
  signal: AbortSignal;
}): Promise<void> {
  const { app, epochSeconds, recipeDirectory, signal, target } = request;
  const stage = `${target}.stage`;
  for (const [index, file] of app.files.entries()) {
    await rm(stage, { recursive: true, force: true });
    const place = path.join(stage, file.target);
    await mkdir(path.dirname(place), { recursive: true });
    await cp(path.join(recipeDirectory, file.source), place, { recursive: true, verbatimSymlinks: true });
    await applyMode(place, file.mode);
    const [user = 'root', group = user] = file.owner.split(':');
    const numeric = /^\d+$/.test(user) && /^\d+$/.test(group);
    await run(
      'tar',
      [
        index === 0 ? '--create' : '--append',
        `--file=${target}`,
        `--directory=${stage}`,
        '--format=gnu',
        '--sort=name',
        `--mtime=@${epochSeconds}`,
        `--owner=${user}`,
        `--group=${group}`,
        ...(numeric ? ['--numeric-owner'] : []),
        '--',
        path.relative('/', file.target),
      ],
      { signal, timeoutMs: 10 * 60_000, env: { LC_ALL: 'C' } },
    );
  }
  await rm(stage, { recursive: true, force: true });
}
