import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { nearest } from './nearest.ts';
import { RecipeError } from './recipe-error.ts';

/** A thousand times a long recipe; what is larger is something else. */
const largestRecipeBytes: number = 256 * 1024;

/** Reads a recipe file as UTF-8 text. Throws {@link RecipeError} for everything that stands in the way. */
export async function readRecipeText(path: string): Promise<{ text: string; bytes: Uint8Array }> {
  const refuse = (message: string, expected: string, remedy?: string, cause?: unknown): RecipeError =>
    new RecipeError(
      path,
      [
        {
          file: path,
          line: 0,
          column: 0,
          field: '',
          message,
          expected,
          ...(remedy === undefined ? {} : { remedy }),
        },
      ],
      '',
      { cause },
    );
  let bytes: Uint8Array;
  try {
    // Looked at before it is opened: opening a named pipe would wait for a writer.
    const status = await stat(path);
    if (status.isDirectory())
      throw refuse(
        'this is a folder',
        'a recipe file',
        `Name the file in it, as ${join(path, 'recipe.yaml')}.`,
      );
    if (!status.isFile()) throw refuse('this is not a regular file', 'a recipe file');
    if (status.size > largestRecipeBytes)
      throw refuse(`the file has ${status.size} bytes`, `a recipe of at most ${largestRecipeBytes} bytes`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof RecipeError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT')
      throw refuse('there is no such file', 'a recipe file', await suggestion(path), error);
    if (code === 'EACCES' || code === 'EPERM')
      throw refuse('no permission to read the file', 'a readable file', 'Change its mode or owner.', error);
    throw refuse(error instanceof Error ? error.message : String(error), 'a recipe file', undefined, error);
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), bytes };
  } catch (error) {
    throw refuse('the file is not UTF-8 text', 'YAML in UTF-8', 'Save it as UTF-8.', error);
  }
}

async function suggestion(path: string): Promise<string | undefined> {
  const folder = dirname(resolve(path));
  const names = await readdir(folder).catch((): undefined => undefined);
  if (names === undefined) return `There is no folder ${folder}.`;
  const near = nearest(basename(path), names);
  return near === undefined ? undefined : `Did you mean ${join(dirname(path), near)}?`;
}
