import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Finding } from './diagnostic.ts';
import { parseNames } from './names.ts';
import type { Recipe } from './recipe.ts';

/** Far more machines than one medium installs. */
const largestBytes = 4 * 1024 ** 2;
const shownProblems = 10;

/** What is wrong in the list of host names that a recipe refers to, with its lines. The file is there. */
export async function checkNames({ media }: Recipe, directory: string): Promise<Finding[]> {
  const names = media === false ? undefined : media.hostname?.names;
  if (names === undefined) return [];
  const path = ['media', 'hostname', 'names'];
  const file = resolve(directory, names);
  if ((await stat(file)).size > largestBytes)
    return [{ path, message: `"${names}" is too large`, expected: 'at most 4 MiB' }];
  const { machines, problems } = parseNames(await readFile(file, 'utf8'));
  if (problems.length === 0 && machines.length === 0)
    return [{ path, message: `"${names}" names no machine`, expected: 'lines of serial,name' }];
  return problems.slice(0, shownProblems).map(({ line, message, expected }) => ({
    path,
    message: `${names}, line ${line}: ${message}`,
    expected,
  }));
}
