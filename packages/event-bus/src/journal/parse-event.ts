import type { BusEvent } from '../event.ts';

/** A parsed line: the event, or why it is none. */
export type ParsedLine = { event: BusEvent } | { reason: string; version?: number };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function whyNot(value: unknown): string | undefined {
  if (!isObject(value)) return 'it is not an object';
  if (value['v'] !== 1) return `its version is ${JSON.stringify(value['v'])}, this program reads version 1`;
  if (!Number.isSafeInteger(value['seq'])) return 'seq is not a whole number';
  for (const field of ['time', 'source', 'type']) {
    if (typeof value[field] !== 'string') return `${field} is not a text`;
  }
  if (value['buildId'] !== undefined && typeof value['buildId'] !== 'string') return 'buildId is not a text';
  return isObject(value['data']) ? undefined : 'data is not an object';
}

/** Reads one line of a journal. */
export function parseEvent(line: string): ParsedLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { reason: 'it is not JSON' };
  }
  const reason = whyNot(value);
  // `whyNot` has looked at every field.
  if (reason === undefined) return { event: value as BusEvent };
  const version = isObject(value) ? value['v'] : undefined;
  return typeof version === 'number' && version !== 1 ? { reason, version } : { reason };
}
