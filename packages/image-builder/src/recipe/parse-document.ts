import { isAlias, isCollection, isNode, LineCounter, parseDocument, visit, type ParsedNode } from 'yaml';
import type { Document } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';

/** A recipe's text as a tree with positions. */
export interface RecipeDocument {
  file: string;
  lines: LineCounter;
  tree: Document.Parsed;
  /** The tree as plain data; undefined where the text is not well-formed. */
  value: unknown;
}

/** More aliases than a recipe written by hand has; fewer than a bomb needs. */
const mostAliases = 64;
const mostSyntaxErrors = 20;
const plainTags: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'seq', 'map'].map((name) => `tag:yaml.org,2002:${name}`),
);

const remedies: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'Keep one of the two, or merge them.',
  TAB_AS_INDENT: 'Indent with spaces.',
  MULTIPLE_DOCS: 'Keep one document; put the other recipe into a file of its own.',
  MISSING_CHAR: 'Close the bracket or quote.',
  BAD_INDENT: 'Line the keys of one mapping up.',
  RESOURCE_EXHAUSTION: 'A recipe needs about six levels; remove the nesting.',
};

/** Parses YAML 1.2 (core schema). Every complaint is placed; `value` is set only without any. */
export function parseRecipeDocument(
  source: string,
  file: string,
): { document: RecipeDocument; diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const tree = parseDocument(source, { lineCounter: lines, prettyErrors: false, schema: 'core' });
  const at = (start: number, end: number, rest: Omit<Diagnostic, 'file' | 'line' | 'column'>): Diagnostic => {
    const { line, col } = lines.linePos(start);
    return { file, line, column: Math.max(1, col), length: Math.max(1, end - start), ...rest };
  };

  const diagnostics = [...tree.errors, ...tree.warnings].slice(0, mostSyntaxErrors).map((problem) => {
    const remedy = remedies[problem.code];
    return at(problem.pos[0], problem.pos[1], {
      field: '',
      message: problem.code === 'DUPLICATE_KEY' ? duplicate(source, problem.pos) : problem.message,
      expected: problem.code === 'DUPLICATE_KEY' ? 'each key once' : 'YAML 1.2',
      ...(remedy === undefined ? {} : { remedy }),
    });
  });
  if (diagnostics.length === 0) diagnostics.push(...checkNodes(tree, at));
  const document: RecipeDocument = { file, lines, tree, value: undefined };
  if (diagnostics.length === 0) {
    try {
      // Expansions are counted too, as few aliases can multiply by nesting.
      document.value = tree.toJS({ maxAliasCount: mostAliases });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      diagnostics.push(at(0, 1, { field: '', message: 'the aliases expand to too much', ...writeOut }));
    }
  }
  return { document, diagnostics };
}

const writeOut = { expected: 'a recipe without alias bombs', remedy: 'Write the values out.' };

type Place = (start: number, end: number, rest: Omit<Diagnostic, 'file' | 'line' | 'column'>) => Diagnostic;

function duplicate(source: string, [start, end]: readonly [number, number]): string {
  const key = /^[\w.-]+/.exec(source.slice(start, Math.max(end, start + 64)))?.[0];
  return key === undefined ? 'the key is here twice' : `the key "${key}" is here twice`;
}

/** Tags and aliases: neither may turn a small file into something else than plain data. */
function checkNodes(tree: Document.Parsed, at: Place): Diagnostic[] {
  const found: Diagnostic[] = [];
  let aliases = 0;
  visit(tree, (_key, node) => {
    if (!isNode(node)) return undefined;
    // Every node of a parsed document carries its range.
    const [start, end] = (node as ParsedNode).range;
    if (isAlias(node)) {
      aliases += 1;
      if (aliases === mostAliases + 1)
        found.push(at(start, end, { field: '', message: `more than ${mostAliases} aliases`, ...writeOut }));
      if (aliases > mostAliases) return visit.BREAK;
      const target = node.resolve(tree);
      if (target === undefined)
        found.push(
          at(start, end, {
            field: '',
            message: `there is no anchor &${node.source} before this alias`,
            expected: 'YAML 1.2',
            remedy: 'Write the value out, or put text that starts with * in quotes.',
          }),
        );
      else if (around(target.range, start))
        found.push(
          at(start, end, { field: '', message: 'the alias stands inside its own anchor', ...writeOut }),
        );
    } else if (node.tag !== undefined && !plainTags.has(node.tag)) {
      found.push(
        at(start, isCollection(node) ? start + 1 : end, {
          field: '',
          message: `the tag ${node.tag} is not allowed`,
          expected: 'plain text, numbers, true or false, lists and mappings',
          remedy: 'Remove the tag.',
        }),
      );
    }
    return undefined;
  });
  return found;
}

function around(range: readonly number[] | null | undefined, offset: number): boolean {
  return (range?.[0] ?? offset + 1) <= offset && offset < (range?.[1] ?? 0);
}
