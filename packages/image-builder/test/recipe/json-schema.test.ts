import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { knownKeys, recipeJsonSchema } from '../../src/recipe/json-schema.ts';

const published = join(import.meta.dirname, '../../schema/recipe.schema.json');

/** JSON as prettier leaves it: lists of plain values stay on one line where they fit. */
function written(schema: unknown): string {
  const text = JSON.stringify(schema, null, 2).replace(
    /^( *)(.*)\[\s*([^[\]{}]*?)\s*\](,?)$/gm,
    (all, ...parts) => {
      const [indent, before, inner, comma] = parts as string[];
      const line = `${indent ?? ''}${before ?? ''}[${(inner ?? '').replace(/\s*\n\s*/g, ' ')}]${comma ?? ''}`;
      return line.length <= 110 ? line : all;
    },
  );
  return `${text}\n`;
}

test('the published JSON Schema is that of the code (UPDATE_SCHEMA=1 writes it)', async () => {
  const current = written(recipeJsonSchema());
  if (process.env['UPDATE_SCHEMA'] === '1') await writeFile(published, current);
  expect(await readFile(published, 'utf8')).toBe(current);
});

test('every field of the JSON Schema says what it is', () => {
  const undescribed: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key !== 'properties') walk(value, path);
      else
        for (const [name, field] of Object.entries(value as Record<string, { description?: string }>)) {
          if (field.description === undefined) undescribed.push(`${path}.${name}`);
          walk(field, `${path}.${name}`);
        }
    }
  };
  walk(recipeJsonSchema(), '');
  expect(undescribed).toEqual([]);
});

test('the keys at a path are found through lists and alternatives', () => {
  const schema = recipeJsonSchema();
  expect(knownKeys(schema, ['reproducible'])).toEqual(['sourceDateEpoch']);
  expect(knownKeys(schema, ['apps', 3, 'checks', 0]).sort()).toEqual(['active', 'command', 'unit']);
  expect(knownKeys(schema, ['name'])).toEqual([]);
});
