import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { checkNames } from './check-names.ts';
import { checkConsistency } from './consistency.ts';
import type { Diagnostic } from './diagnostic.ts';
import { explainIssue } from './explain-issue.ts';
import { recipeJsonSchema } from './json-schema.ts';
import { place } from './locate.ts';
import { parseRecipeDocument } from './parse-document.ts';
import { readRecipeText } from './read-recipe-text.ts';
import type { Recipe } from './recipe.ts';
import { RecipeError } from './recipe-error.ts';
import { checkReferences } from './references.ts';
import { recipeSchema } from './schema/recipe-schema.ts';

/** A recipe that was checked, and where it came from. */
export interface LoadedRecipe {
  recipe: Recipe;
  /** Absolute path of the file. */
  path: string;
  /** Absolute path of its folder, which every path in the recipe is relative to. */
  directory: string;
  /** Of the file's bytes, in hex. */
  sha256: string;
}

/**
 * Reads and checks a recipe: YAML, fields, rules between fields, and that the files it refers to are
 * there. Resolves no secret. Throws one {@link RecipeError} with all that is wrong.
 */
export async function loadRecipe(path: string): Promise<LoadedRecipe> {
  const absolute = resolve(path);
  const directory = dirname(absolute);
  const { text, bytes } = await readRecipeText(path);
  const recipe = await checkRecipeText(text, { file: path, directory });
  return { recipe, path: absolute, directory, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** As {@link loadRecipe}, for text that is at hand; `directory` is where its paths lead from. */
export async function checkRecipeText(
  text: string,
  { file, directory }: { file: string; directory: string },
): Promise<Recipe> {
  const { document, diagnostics } = parseRecipeDocument(text, file);
  if (diagnostics.length > 0) throw new RecipeError(file, sorted(diagnostics), text);
  if (typeof document.value !== 'object' || document.value === null || Array.isArray(document.value)) {
    const message = document.value === null ? 'the recipe is empty' : 'the recipe is not a mapping';
    const remedy = 'Start with "version: 1" and "name:".';
    const diagnostic: Diagnostic = {
      file,
      line: 1,
      column: 1,
      field: '',
      message,
      expected: 'key: value',
      remedy,
    };
    throw new RecipeError(file, [diagnostic], text);
  }

  const result = recipeSchema.safeParse(document.value);
  const context = { value: document.value, schema: result.success ? {} : recipeJsonSchema() };
  const missing = await checkReferences(document.value, directory);
  const findings = [
    ...(result.success
      ? checkConsistency(result.data)
      : result.error.issues.flatMap((issue) => explainIssue(issue, context))),
    ...missing,
    // What cannot be read is told already.
    ...(result.success && missing.length === 0 ? await checkNames(result.data, directory) : []),
  ];
  if (findings.length > 0 || !result.success)
    throw new RecipeError(file, sorted(findings.map((finding) => place(document, finding))), text);
  return result.data;
}

function sorted(diagnostics: Diagnostic[]): Diagnostic[] {
  return diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
}
