import type * as z from 'zod';
import { fieldName, mayHoldSecret, type FieldPath, type Finding } from './diagnostic.ts';
import { formatOfPattern } from './formats.ts';
import { knownKeys, type JsonSchemaNode } from './json-schema.ts';
import { nearest } from './nearest.ts';

type Issue = z.core.$ZodIssue;

/** What an issue is explained against: the file's data and the schema's names. */
export interface IssueContext {
  value: unknown;
  schema: JsonSchemaNode;
}

/** A zod issue in the words of the recipe: one finding, or one for each unknown key. */
export function explainIssue(issue: Issue, context: IssueContext, base: FieldPath = []): Finding[] {
  // Symbols do not come out of YAML.
  const path = [...base, ...(issue.path as (string | number)[])];
  const value = valueAt(context.value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, context));
    case 'invalid_union':
      return explainUnion(issue, path, context);
    case 'invalid_type':
      return [wrongType(path, value, [issue.expected])];
    case 'invalid_value':
      return [notAmong(path, value, issue.values.map(String))];
    case 'invalid_format':
      return [wrongFormat(path, value, 'pattern' in issue ? (issue.pattern ?? '') : '')];
    case 'invalid_key':
      return issue.issues.flatMap((inner) =>
        inner.code === 'invalid_format'
          ? [
              {
                ...wrongFormat(path, path.at(-1), 'pattern' in inner ? (inner.pattern ?? '') : ''),
                atKey: true,
              },
            ]
          : [{ path, atKey: true, message: inner.message }],
      );
    case 'too_small':
    case 'too_big':
      return [outOfRange(path, value, issue)];
    case 'custom':
      return [
        {
          path,
          message: issue.message,
          expected: textOf(issue.params?.['expected']),
          remedy: textOf(issue.params?.['remedy']),
        },
      ];
    default:
      return [{ path, message: issue.message }];
  }
}

function unknownKey(path: FieldPath, key: string, { schema }: IssueContext): Finding {
  const keys = knownKeys(schema, path);
  const near = nearest(key, keys);
  return {
    path: [...path, key],
    atKey: true,
    message: `unknown key "${printable(key)}"`,
    expected: `one of: ${keys.join(', ')}`,
    remedy: near === undefined ? 'Remove the key.' : `Did you mean "${near}"?`,
  };
}

function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: FieldPath,
  context: IssueContext,
): Finding[] {
  const branches = issue.errors;
  const unknown = branches.map((issues) =>
    issues.flatMap((inner) =>
      inner.code === 'unrecognized_keys' && inner.path.length === 0 ? inner.keys : [],
    ),
  );
  const inAll = (unknown[0] ?? []).filter((key) => unknown.every((keys) => keys.includes(key)));
  if (inAll.length > 0) return inAll.map((key) => unknownKey(path, key, context));

  const types = branches.flatMap((issues) =>
    issues.flatMap((inner) =>
      inner.code === 'invalid_type' && inner.path.length === 0 ? [inner.expected] : [],
    ),
  );
  if (types.length === branches.length) return [wrongType(path, valueAt(context.value, path), types)];

  // What is of another kind altogether was not meant.
  const [meant, ...alsoMeant] = branches.filter(
    (issues) => !issues.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
  );
  if (meant !== undefined && alsoMeant.length === 0)
    return meant.flatMap((inner) => explainIssue(inner, context, path));

  const fewest = Math.min(...branches.map((issues) => issues.length));
  const [best, ...others] = branches.filter((issues) => issues.length === fewest);
  if (best !== undefined && others.length === 0)
    return best.flatMap((inner) => explainIssue(inner, context, path));
  const keys = knownKeys(context.schema, path);
  const present = Object.keys(asRecord(valueAt(context.value, path))).filter((key) => keys.includes(key));
  return [
    {
      path,
      message:
        present.length > 1
          ? `${present.map((key) => `"${key}"`).join(' and ')} exclude each other`
          : `${fieldName(path)} has none of the keys it needs`,
      expected: `one of: ${keys.join(', ')}`,
      remedy: present.length > 1 ? 'Make two entries of it.' : 'Add one of the keys.',
    },
  ];
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
};

function wrongType(path: FieldPath, value: unknown, types: readonly string[]): Finding {
  const expected = [...new Set(types.map((type) => typeNames[type] ?? type))].join(' or ');
  if (value === undefined) {
    const key = String(path.at(-1) ?? 'recipe');
    return { path, atKey: true, message: `"${key}" is missing`, expected, remedy: `Add ${key}:` };
  }
  return {
    path,
    message: `${described(path, value)} where ${expected} belongs`,
    expected,
    remedy: typeRemedy(value, types),
  };
}

function typeRemedy(value: unknown, types: readonly string[]): string | undefined {
  if (types.includes('boolean') && typeof value === 'string')
    return 'Write true or false without quotes; yes and no are text in YAML 1.2.';
  if (types.includes('array') && typeof value !== 'object')
    return 'Write a list: [value], or lines that start with "- ".';
  if (types.includes('string') && typeof value === 'number') return 'Put the value in quotes.';
  if (value === null) return 'Give it a value, or remove the key.';
  return undefined;
}

function notAmong(path: FieldPath, value: unknown, values: readonly string[]): Finding {
  const expected = values.length === 1 ? (values[0] ?? '') : `one of: ${values.join(', ')}`;
  if (value === undefined) {
    const key = String(path.at(-1));
    return {
      path,
      atKey: true,
      message: `"${key}" is missing`,
      expected,
      remedy: `Add ${key}: ${values[0] ?? ''}`,
    };
  }
  const near = typeof value === 'string' ? nearest(value, values) : undefined;
  return {
    path,
    message: `${described(path, value)} is not possible here`,
    expected,
    remedy: near === undefined ? undefined : `Did you mean "${near}"?`,
  };
}

function wrongFormat(path: FieldPath, value: unknown, pattern: string): Finding {
  const format = formatOfPattern(pattern);
  return {
    path,
    message: `${described(path, value)} does not have the right form`,
    expected: format?.expected ?? `text that matches ${pattern}`,
    remedy: format?.remedy,
  };
}

function outOfRange(
  path: FieldPath,
  value: unknown,
  issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
): Finding {
  const bound = issue.code === 'too_small' ? Number(issue.minimum) : Number(issue.maximum);
  const side = issue.code === 'too_small' ? 'at least' : 'at most';
  const unit = issue.origin === 'array' ? ' entries' : issue.origin === 'string' ? ' characters' : '';
  const message =
    issue.origin === 'array' && issue.code === 'too_small'
      ? 'the list is empty'
      : `${described(path, value)} is too ${issue.code === 'too_small' ? 'small' : 'large'}`;
  return { path, message, expected: `${side} ${bound}${unit}` };
}

function described(path: FieldPath, value: unknown): string {
  if (mayHoldSecret(path)) return 'the value';
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `"${printable(value)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a mapping';
}

/** Short, and without control characters that would act on a terminal. */
function printable(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '·');
  return clean.length > 80 ? `${clean.slice(0, 77)}…` : clean;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((inner, part) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, part)) return undefined;
    // An own property of an object that YAML made; its type is looked at by whoever uses it.
    return (inner as Record<string | number, unknown>)[part];
  }, value);
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
