import { exitCode, type ExitCode } from '../exit-code.ts';
import { codeOf } from '../errors/error-chain.ts';
import type { Host } from '../host/host.ts';
import { findRecipe } from '../recipe/find-recipe.ts';
import { reportError } from '../report/report-error.ts';

/** Checks recipes without building anything: all of them, also after one that is refused. */
export async function recipeCheck(
  named: readonly string[],
  flags: { readonly json?: true },
  host: Host,
): Promise<ExitCode> {
  const files = named.length > 0 ? named : [findRecipe(undefined, host.cwd)];
  const { loadRecipe, RecipeError } = await import('@osforge/image-builder');
  const results: { file: string; ok: boolean; name?: string; diagnostics?: unknown }[] = [];
  for (const file of files) {
    try {
      const { recipe } = await loadRecipe(file);
      results.push({ file, ok: true, name: recipe.name });
      if (!flags.json) host.stdout.write(`${file}: ok (${recipe.name})\n`);
    } catch (error) {
      if (codeOf(error) !== 'RECIPE_INVALID' || !(error instanceof RecipeError)) throw error;
      results.push({ file, ok: false, diagnostics: error.diagnostics });
      if (!flags.json) await reportError(error, host);
    }
  }
  if (flags.json) host.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
  return results.every(({ ok }) => ok) ? exitCode.done : exitCode.usage;
}
