import { QmpProtocolError } from './errors.ts';

/** An object of a decoded QMP message. */
export type QmpObject = Readonly<Record<string, unknown>>;

/** What QEMU says first. `version` is e.g. `7.2.22`. */
export interface QmpGreeting {
  readonly version: string;
  readonly package: string;
  readonly capabilities: readonly string[];
}

/** An asynchronous event. `timeMs` is QEMU's own wall clock (ms since the epoch), undefined if it had none. */
export interface QmpEvent {
  readonly event: string;
  readonly data: QmpObject;
  readonly timeMs: number | undefined;
}

export type QmpMessage =
  | { readonly kind: 'greeting'; readonly greeting: QmpGreeting }
  | { readonly kind: 'event'; readonly event: QmpEvent }
  | { readonly kind: 'return'; readonly id: unknown; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: unknown; readonly errorClass: string; readonly desc: string }
  | { readonly kind: 'unknown' };

export function isQmpObject(value: unknown): value is QmpObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function greetingOf(qmp: QmpObject): QmpGreeting {
  const version = isQmpObject(qmp['version']) ? qmp['version'] : {};
  const qemu = isQmpObject(version['qemu']) ? version['qemu'] : {};
  const part = (name: string): string => {
    const value = qemu[name];
    return typeof value === 'number' ? String(value) : '0';
  };
  const capabilities: unknown = qmp['capabilities'];
  return {
    version: `${part('major')}.${part('minor')}.${part('micro')}`,
    package: text(version['package']),
    capabilities: Array.isArray(capabilities)
      ? capabilities.filter((one): one is string => typeof one === 'string')
      : [],
  };
}

function timeOf(timestamp: unknown): number | undefined {
  if (!isQmpObject(timestamp)) return undefined;
  const { seconds, microseconds } = timestamp;
  // QEMU sends seconds -1 when the host's clock could not be read.
  if (typeof seconds !== 'number' || typeof microseconds !== 'number' || seconds < 0) return undefined;
  return seconds * 1000 + microseconds / 1000;
}

/**
 * One line of QMP, decoded. An object of a shape that this version does not know is `unknown`, not an error.
 * Source: QEMU docs/interop/qmp-spec.txt.
 * @throws QmpProtocolError when the line is no JSON object.
 */
export function parseQmpLine(line: string): QmpMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new QmpProtocolError('a line is not JSON', line, cause);
  }
  if (!isQmpObject(value)) throw new QmpProtocolError('a line is not a JSON object', line);
  if (isQmpObject(value['QMP'])) return { kind: 'greeting', greeting: greetingOf(value['QMP']) };
  if (typeof value['event'] === 'string') {
    const data = isQmpObject(value['data']) ? value['data'] : {};
    return { kind: 'event', event: { event: value['event'], data, timeMs: timeOf(value['timestamp']) } };
  }
  if ('return' in value) return { kind: 'return', id: value['id'], value: value['return'] };
  if (isQmpObject(value['error'])) {
    const { class: errorClass, desc } = value['error'];
    return { kind: 'error', id: value['id'], errorClass: text(errorClass), desc: text(desc) };
  }
  return { kind: 'unknown' };
}
