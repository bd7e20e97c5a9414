/** One thing that is wrong with a recipe, placed as a compiler would. */
export interface Diagnostic {
  /** The path as the caller gave it. */
  file: string;
  /** From 1; 0 where the whole file is meant (missing, not readable, not text). */
  line: number;
  /** From 1, in UTF-16 units; 0 where the whole file is meant. */
  column: number;
  /** Characters to underline on that line; 1 where not known. */
  length?: number;
  /** `apps[0].files[1].source`; empty for the recipe as a whole. */
  field: string;
  /** What is wrong. */
  message: string;
  /** What would be right, as a noun phrase. */
  expected?: string;
  /** What to do, as a sentence. */
  remedy?: string;
  /** The text there may hold a secret and is not shown. */
  masked?: true;
}

/** A path into the document: keys and indexes from the root. */
export type FieldPath = readonly (string | number)[];

/** A finding before it is placed in the file. */
export interface Finding {
  path: FieldPath;
  /** Place it at the key instead of the value. */
  atKey?: boolean;
  message: string;
  expected?: string | undefined;
  remedy?: string | undefined;
}

/** `['apps', 0, 'name']` as `apps[0].name`. */
export function fieldName(path: FieldPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

const secretField = /pass|secret|token|credential|authorizedKeys|\.env(\.|$)|private|hash/i;

/** Whether what stands in a field may be a secret that somebody wrote there by mistake. */
export function mayHoldSecret(path: FieldPath): boolean {
  return secretField.test(fieldName(path));
}
