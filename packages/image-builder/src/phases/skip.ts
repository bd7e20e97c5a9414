import type { Recipe } from '../recipe/recipe.ts';

/** Without applications no machine is needed: the disk is captured as it was made, byte for byte reproducible. */
export function skipWithoutApps(recipe: Recipe): () => string | undefined {
  return () => (recipe.apps.length === 0 ? 'the recipe has no applications to install' : undefined);
}
