import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Diagnostic, FieldPath, Finding } from './diagnostic.ts';
import { fieldName, mayHoldSecret } from './diagnostic.ts';
import type { RecipeDocument } from './parse-document.ts';

interface Range {
  start: number;
  end: number;
}

/** Where a field stands; the nearest enclosing key where it is not in the file. */
function locate(document: RecipeDocument, path: FieldPath): { found: boolean; key: Range; value: Range } {
  let node: Node | null = document.tree.contents;
  let key: Range = { start: 0, end: 0 };
  let value = rangeOf(node) ?? key;
  if (isMap(node)) value = { start: value.start, end: value.start };
  for (const part of path) {
    const target: unknown = isAlias(node) ? node.resolve(document.tree) : node;
    const step = stepInto(target, part);
    if (step === undefined) return { found: false, key, value: key };
    key = step.key;
    value = rangeOf(step.node) ?? key;
    node = step.node;
  }
  return { found: true, key, value };
}

function stepInto(node: unknown, part: string | number): { key: Range; node: Node | null } | undefined {
  if (isMap(node)) {
    for (const pair of node.items) {
      if (!isScalar(pair.key) || String(pair.key.value) !== String(part)) continue;
      const key = rangeOf(pair.key);
      // The composer puts nodes or null into pairs; the type leaves room for documents made by hand.
      if (key !== undefined) return { key, node: pair.value as Node | null };
    }
  }
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part] as Node | null | undefined;
    const key = item === null || item === undefined ? undefined : rangeOf(item);
    if (item !== undefined && key !== undefined) return { key, node: item };
  }
  return undefined;
}

function rangeOf(node: unknown): Range | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const range: unknown = node.range;
  if (!Array.isArray(range)) return undefined;
  const [start, end] = range as unknown[]; // isArray gives any[]
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : undefined;
}

/** A finding with its file, line and column. */
export function place(document: RecipeDocument, finding: Finding): Diagnostic {
  const where = locate(document, finding.path);
  const range = finding.atKey === true ? where.key : where.value;
  const { line, col } = document.lines.linePos(range.start);
  return {
    file: document.file,
    line: Math.max(1, line),
    column: Math.max(1, col),
    length: Math.max(1, range.end - range.start),
    field: fieldName(finding.path),
    message: finding.message,
    ...(finding.expected === undefined ? {} : { expected: finding.expected }),
    ...(finding.remedy === undefined ? {} : { remedy: finding.remedy }),
    ...(mayHoldSecret(finding.path) ? { masked: true as const } : {}),
  };
}
