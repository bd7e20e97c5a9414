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

/** User and group of `user`, `user:group`, names or numbers. */
function ownerOf(owner: string): { user: string; group: string } {
  const [user = 'root', group = user] = owner.split(':');
  return { user, group };
}

const isNumber = (name: string): boolean => /^\d+$/.test(name);

/** Accounts that must be in the guest before the files are unpacked, a line each; see `assets/install.sh`. */
export function ownerLines(app: App): string[] {
  const lines = app.files.flatMap(({ owner }) => {
    const { user, group } = ownerOf(owner);
    return [...(isNumber(user) ? [] : [`passwd ${user}`]), ...(isNumber(group) ? [] : [`group ${group}`])];
  });
  return [...new Set(lines)];
}

/** Name and number for tar: it must not look either of them up on this machine, whose accounts are not the guest's. */
function tarOwner(name: string): string {
  return `${name}:${isNumber(name) ? name : '65534'}`;
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
    const { user, group } = ownerOf(file.owner);
    await run(
      'tar',
      [
        index === 0 ? '--create' : '--append',
        `--file=${target}`,
        `--directory=${stage}`,
        '--format=gnu',
        '--sort=name',
        `--mtime=@${epochSeconds}`,
        `--owner=${tarOwner(user)}`,
        `--group=${tarOwner(group)}`,
        // Names are what they are, also with backslashes in them.
        '--no-unquote',
        '--',
        path.relative('/', file.target),
      ],
      { signal, timeoutMs: 10 * 60_000, env: { LC_ALL: 'C' } },
    );
  }
  await rm(stage, { recursive: true, force: true });
}
