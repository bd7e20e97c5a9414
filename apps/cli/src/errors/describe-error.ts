import { cleanLines } from '../text/clean-text.ts';
import { codeOf, errorChain } from './error-chain.ts';

/**
 * What to print for an error that ended a command: an error of the product's own says what happened, where, and what
 * to do; for one that none of its packages made, which is a defect, `debug` adds where it came from.
 */
export async function describeError(error: unknown, { debug }: { debug: boolean }): Promise<string> {
  const chain = errorChain(error);
  if (chain.some((link) => codeOf(link) === 'RECIPE_INVALID')) {
    const { RecipeError, formatDiagnostics } = await import('@osforge/image-builder');
    const recipeError = chain.find((link) => link instanceof RecipeError);
    if (recipeError !== undefined) {
      const count = recipeError.diagnostics.length;
      return `${formatDiagnostics(recipeError.diagnostics, recipeError.source)}\n\n${count} ${count === 1 ? 'error' : 'errors'} in ${recipeError.path}`;
    }
  }
  const outer = chain[0];
  if (outer === undefined) return `error: ${cleanLines(String(error))}`;
  const message = `error: ${cleanLines(outer.message)}`;
  if (debug) {
    return [message, ...chain.map((link) => cleanLines(link.stack ?? String(link)))].join('\ncaused by: ');
  }
  if (isRefusal(outer)) return `${message}\nRun it as the user whose files these are, or as root.`;
  return chain.some((link) => codeOf(link) !== undefined)
    ? message
    : `${message}\nThis looks like a defect in osforge; OSFORGE_DEBUG=1 shows where it came from.`;
}

/** The system's own words for a missing permission, which no package has put into better ones. */
function isRefusal(error: Error): boolean {
  return /\b(EACCES|EPERM): /.test(error.message) && !error.message.includes('\n');
}
