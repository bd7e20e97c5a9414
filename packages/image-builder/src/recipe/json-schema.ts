import * as z from 'zod';
import type { FieldPath } from './diagnostic.ts';
import { recipeSchema } from './schema/recipe-schema.ts';

/** The part of JSON Schema (draft 2020-12) that the recipe's schema uses. */
export interface JsonSchemaNode {
  description?: string;
  type?: string;
  properties?: Record<string, JsonSchemaNode>;
  items?: JsonSchemaNode;
  anyOf?: JsonSchemaNode[];
  additionalProperties?: JsonSchemaNode | boolean;
}

/** The recipe's JSON Schema, as published in `schema/recipe.schema.json`: what a YAML file may hold. */
export function recipeJsonSchema(): JsonSchemaNode {
  const { $schema, ...rest } = z.toJSONSchema(recipeSchema, { io: 'input' });
  // zod's own type of a JSON Schema is wider; what it makes of this schema has the shape above.
  return { $schema, title: 'osforge recipe', ...rest } as JsonSchemaNode;
}

/** Keys that a mapping at a path may have; empty where it is no mapping or free of names. */
export function knownKeys(schema: JsonSchemaNode, path: FieldPath): string[] {
  const keys = nodesAt([schema], path).flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(keys)];
}

function nodesAt(nodes: readonly JsonSchemaNode[], path: FieldPath): JsonSchemaNode[] {
  const open = nodes.flatMap((node) => [node, ...(node.anyOf ?? [])]);
  const [part, ...rest] = path;
  if (part === undefined) return open;
  const next = open.flatMap((node) => {
    const child = typeof part === 'number' ? node.items : node.properties?.[part];
    return child === undefined ? [] : [child];
  });
  return nodesAt(next, rest);
}
