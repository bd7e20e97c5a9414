import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** Debian keeps `mkfs.ext4`, `sgdisk` and others here, and leaves these folders out of a user's PATH. */
const systemFolders: readonly string[] = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** `path` with the system's `sbin` folders appended where they are missing. */
export function searchPath(path: string | undefined): string {
  const folders = (path ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).filter((folder) => folder !== '');
  return [...folders, ...systemFolders.filter((folder) => !folders.includes(folder))].join(delimiter);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where a program is looked for. */
export interface FindProgramOptions {
  /** Folders, separated by colons; default the `PATH` of this process. The `sbin` folders are always added. */
  path?: string | undefined;
  /** What a relative program such as `./configure` is relative to; default the current folder. */
  cwd?: string | undefined;
}

/**
 * The absolute path of `program`; undefined if there is no such executable file. A name without a slash is
 * looked for in the path and in the system's `sbin` folders; anything else is a path.
 */
export function findProgram(program: string, options: FindProgramOptions = {}): string | undefined {
  const cwd = options.cwd ?? process.cwd();
  if (program.includes('/')) {
    const path = resolve(cwd, program);
    return isExecutable(path) ? path : undefined;
  }
  if (program === '') return undefined;
  return searchPath(options.path ?? process.env['PATH'])
    .split(delimiter)
    .map((folder) => resolve(cwd, folder, program))
    .find(isExecutable);
}
