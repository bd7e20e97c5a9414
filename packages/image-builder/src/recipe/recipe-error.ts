import type { Diagnostic } from './diagnostic.ts';

/**
 * A recipe that is refused, with everything that is wrong with it.
 * `diagnostics` is never empty and ordered by line and column.
 */
export class RecipeError extends Error {
  override readonly name = 'RecipeError';
  readonly code = 'RECIPE_INVALID';
  readonly path: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly #source: string;

  constructor(path: string, diagnostics: readonly Diagnostic[], source = '', options?: ErrorOptions) {
    super(
      [
        `${path}: the recipe has ${diagnostics.length === 1 ? 'an error' : `${diagnostics.length} errors`}`,
        ...diagnostics.map(oneLine),
      ].join('\n'),
      options,
    );
    this.path = path;
    this.diagnostics = diagnostics;
    this.#source = source;
  }

  /**
   * The text of the file for `formatDiagnostics`; empty where it could not be read. A getter, so
   * that an error that is logged whole does not carry the file's content along.
   */
  get source(): string {
    return this.#source;
  }
}

function oneLine({ line, column, field, message, remedy }: Diagnostic): string {
  const place = line === 0 ? '' : `${line}:${column}: `;
  return `  ${place}${field === '' ? '' : `${field}: `}${message}${remedy === undefined ? '' : ` — ${remedy}`}`;
}
