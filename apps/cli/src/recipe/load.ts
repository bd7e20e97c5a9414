import type { LoadedRecipe } from '@osforge/image-builder';
import type { Host } from '../host/host.ts';
import { findRecipe } from './find-recipe.ts';

/** Reads and checks the recipe that a command means. @throws RecipeError, UsageError */
export async function load(named: string | undefined, host: Pick<Host, 'cwd'>): Promise<LoadedRecipe> {
  const { loadRecipe } = await import('@osforge/image-builder');
  return loadRecipe(findRecipe(named, host.cwd));
}
