import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors/usage-error.ts';

/** The recipe that is built when none is named. */
const defaultRecipe = path.join('recipes', 'debian-minimal.yaml');

// apps/cli/dist or apps/cli/src: three folders below the repository's root.
const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * The recipe that a command means: the one named, else the default one here, else that of the repository that this
 * program was built in.
 * @throws UsageError where none is named and there is no default one
 */
export function findRecipe(
  named: string | undefined,
  cwd: string,
  exists: (file: string) => boolean = existsSync,
): string {
  if (named !== undefined) return named;
  if (exists(path.join(cwd, defaultRecipe))) return defaultRecipe;
  const own = path.join(repositoryRoot, defaultRecipe);
  if (exists(own)) return own;
  throw new UsageError(`no recipe is named and there is no ${defaultRecipe} here; name a recipe file`);
}
