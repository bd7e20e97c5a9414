import { NotJsonError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';

function describe(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array instead of an object';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  const maker: unknown =
    typeof prototype === 'object' && prototype !== null ? prototype.constructor : undefined;
  return typeof maker === 'function' ? `a ${maker.name}` : 'an object with a prototype';
}

/** The place of a key, written as one would in code. */
function within(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

type Step = string | number;

function refuse(steps: readonly Step[], found: string): never {
  throw new NotJsonError(steps.reduce<string>(within, 'data'), found);
}

function copy(value: unknown, steps: Step[], ancestors: object[]): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : refuse(steps, describe(value));
    case 'object':
      return value === null ? null : copyObject(value, steps, ancestors);
    default:
      return refuse(steps, describe(value));
  }
}

function copyObject(value: object, steps: Step[], ancestors: object[]): JsonValue {
  if (ancestors.includes(value)) refuse(steps, 'a cycle');
  ancestors.push(value);
  const result = Array.isArray(value)
    ? copyArray(value, steps, ancestors)
    : copyPlain(value, steps, ancestors);
  ancestors.pop();
  return Object.freeze(result);
}

function copyArray(value: readonly unknown[], steps: Step[], ancestors: object[]): JsonValue[] {
  const result: JsonValue[] = [];
  // By index, because a hole is an undefined that iteration methods would skip.
  for (let index = 0; index < value.length; index += 1) {
    steps.push(index);
    result.push(copy(value[index], steps, ancestors));
    steps.pop();
  }
  return result;
}

function copyPlain(value: object, steps: Step[], ancestors: object[]): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) refuse(steps, describe(value));
  const result: Record<string, JsonValue> = {};
  for (const [key, entry] of Object.entries(value)) {
    steps.push(key);
    const copied = copy(entry, steps, ancestors);
    steps.pop();
    // An assignment to this name would set the prototype instead of a property.
    if (key === '__proto__') Object.defineProperty(result, key, { value: copied, enumerable: true });
    else result[key] = copied;
  }
  return result;
}

/**
 * A deep, frozen copy of `data`: what the publisher or a subscriber does to its own object afterwards changes no
 * event. Throws {@link NotJsonError} with the place of the first thing that JSON cannot say.
 */
export function copyJson(data: unknown): JsonObject {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new NotJsonError('data', describe(data));
  }
  // `copy` keeps the kind: what went in as an object comes out as one.
  return copy(data, [], []) as JsonObject;
}
