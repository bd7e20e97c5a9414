import type { JsonValue } from '@osforge/checkpoint';

/**
 * Where two JSON values differ, as dotted paths in document order ("apps.0.name"), at most `limit` of them.
 * Values are never part of the result, so it can be shown and logged. `''` stands for the whole value.
 */
export function diffInputs(before: JsonValue, after: JsonValue, limit = 5): string[] {
  const found: string[] = [];
  walk(before, after, '', found, limit);
  return found;
}

function walk(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: string,
  found: string[],
  limit: number,
): void {
  if (found.length >= limit || before === after) return;
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const left = new Map(Object.entries(before));
    const right = new Map(Object.entries(after));
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      walk(left.get(key), right.get(key), path === '' ? key : `${path}.${key}`, found, limit);
    }
    return;
  }
  found.push(path);
}

function isContainer(
  value: JsonValue | undefined,
): value is Exclude<JsonValue, string | number | boolean | null> {
  return typeof value === 'object' && value !== null;
}
