import { createHash } from 'node:crypto';
import { CheckpointInputsError } from './errors.ts';
import type { JsonValue } from './json-value.ts';

/**
 * The key of what a phase was made from: SHA-256 (64 hex digits) of the canonical JSON of `parts` (RFC 8785:
 * members sorted by UTF-16 code units, no white space). The order of members does not matter, that of array
 * elements does. A member that is `undefined` counts as absent.
 *
 * Throws `CheckpointInputsError` for what JSON cannot carry (NaN, a function, a Date, a cycle).
 */
export function inputsKey(parts: JsonValue): string {
  return createHash('sha256').update(canonicalJson(parts)).digest('hex');
}

/** Canonical JSON (RFC 8785) of a JSON value. */
export function canonicalJson(value: JsonValue): string {
  return write(value, '(inputs)', new Set());
}

// `unknown`, because callers in plain JavaScript and values from `as` reach this too.
function write(value: unknown, field: string, open: Set<object>): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CheckpointInputsError(field, String(value));
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw new CheckpointInputsError(field, typeof value);
  if (open.has(value)) throw new CheckpointInputsError(field, 'a cycle');
  open.add(value);
  const text = Array.isArray(value)
    ? `[${value.map((item: unknown, index) => write(item, `${field}[${index}]`, open)).join(',')}]`
    : writeObject(value, field, open);
  open.delete(value);
  return text;
}

function writeObject(value: object, field: string, open: Set<object>): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CheckpointInputsError(field, `a ${value.constructor.name}`);
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${write(member, `${field}.${key}`, open)}`);
  return `{${members.join(',')}}`;
}
