import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '@osforge/process';
import type { App, AppCheck, AppScript } from '../recipe/recipe.ts';
import { isSecretReference } from '../recipe/secret-reference.ts';
import { archiveFiles, ownerLines } from './app-files.ts';

/**
 * Name of a script on the medium: its place in the order, then its own name, without what the protocol with the guest
 * gives a meaning to.
 */
export function scriptName(index: number, script: AppScript): string {
  const name = path.basename(script.path).replace(/[^A-Za-z0-9._-]/g, '_');
  return `${String(index + 1).padStart(3, '0')}-${name}`.slice(0, 100);
}

/** Name of a command check on the medium. */
export function commandName(index: number): string {
  return `command-${index + 1}`;
}

/** One value a line. Recipe text has no line breaks (the schema refuses them), so a line is a value. */
function lines(values: readonly string[]): string {
  return values.map((value) => `${value}\n`).join('');
}

/** A check as the installer in the guest reads it; see `assets/install.sh`. */
function checkLine(check: AppCheck, index: number): string {
  if ('unit' in check) return `${check.active ? 'active' : 'inactive'} ${check.unit}`;
  return `command ${commandName(index)}`;
}

export interface MediumRequest {
  /** Folder to lay the medium out in; it must be empty. */
  readonly folder: string;
  readonly recipeDirectory: string;
  readonly apps: readonly App[];
  readonly installer: string;
  /** Seconds since 1970, for every time stamp. */
  readonly epochSeconds: number;
  readonly signal: AbortSignal;
}

/** Lays out what the guest installs, beside the package repository that is there already. No secret is written. */
export async function layOutMedium(request: MediumRequest): Promise<void> {
  const { apps, folder, installer, recipeDirectory } = request;
  const root = path.join(folder, 'osforge');
  await mkdir(root, { recursive: true });
  await copyFile(installer, path.join(root, 'install.sh'));
  await writeFile(path.join(root, 'order'), lines(apps.map((app) => app.name)));
  for (const app of apps) {
    const target = path.join(root, 'apps', app.name);
    for (const name of ['scripts', 'meta', 'commands'])
      await mkdir(path.join(target, name), { recursive: true });
    if (app.packages.length > 0) await writeFile(path.join(target, 'packages'), lines(app.packages));
    if (app.files.length > 0) {
      await archiveFiles({ ...request, app, target: path.join(target, 'files.tar') });
      await writeFile(path.join(target, 'owners'), lines(ownerLines(app)));
    }
    for (const [index, script] of app.scripts.entries()) {
      const name = scriptName(index, script);
      const plain = Object.entries(script.env).filter(([, value]) => !isSecretReference(value));
      await copyFile(path.join(recipeDirectory, script.path), path.join(target, 'scripts', name));
      await chmod(path.join(target, 'scripts', name), 0o755);
      await writeFile(path.join(target, 'meta', `${name}.args`), lines(script.args));
      await writeFile(
        path.join(target, 'meta', `${name}.env`),
        lines(plain.map(([key, value]) => `${key}=${value}`)),
      );
    }
    if (app.checks.length > 0) await writeFile(path.join(target, 'checks'), lines(app.checks.map(checkLine)));
    for (const [index, check] of app.checks.entries()) {
      if ('unit' in check) continue;
      const [program = 'true', ...args] = check.command;
      // The program is an argument of env, so that names without a folder are searched in PATH.
      await writeFile(path.join(target, 'commands', commandName(index)), '#!/bin/sh\nexec env -- "$@"\n', {
        mode: 0o755,
      });
      await writeFile(path.join(target, 'meta', `${commandName(index)}.args`), lines([program, ...args]));
    }
  }
}

/** Packs a folder as an ISO 9660 image with Rock Ridge names; the same folder gives the same bytes. */
export async function makeIso(request: {
  folder: string;
  target: string;
  label: string;
  epochSeconds: number;
  signal: AbortSignal;
}): Promise<void> {
  const { folder, target, label, epochSeconds, signal } = request;
  await rm(target, { force: true });
  await run(
    'xorriso',
    // -r: owned by root, readable by all, executable where anybody may execute it.
    // The files were written just now; SOURCE_DATE_EPOCH alone dates the image and leaves their times to them.
    [
      ...['-as', 'mkisofs', '-quiet', '-r', '-V', label],
      ...['--set_all_file_dates', `=${epochSeconds}`, '-o', target, folder],
    ],
    { signal, timeoutMs: 10 * 60_000, env: { SOURCE_DATE_EPOCH: String(epochSeconds) } },
  );
}
