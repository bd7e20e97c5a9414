import type { JsonValue } from './json-value.ts';
import type { BuildRecord } from './record.ts';

/** Shorter values would be found by chance. */
const MIN_SECRET_LENGTH = 4;
/** Digests, times and counters are machine-made; a short secret is found in them by chance only. */
const MIN_SECRET_LENGTH_IN_MACHINE_TEXT = 12;

interface SecretFinding {
  readonly field: string;
  readonly encoding: 'plain' | 'JSON-escaped' | 'base64' | 'hex' | 'percent-encoded';
}

interface Needle {
  readonly text: string;
  readonly encoding: SecretFinding['encoding'];
  readonly secretLength: number;
}

/** Looks for the values of secrets, plain or encoded. */
export interface SecretSearch {
  readonly values: readonly string[];
  /**
   * Quick: `false` where the JSON text of a record, or of a part of it, holds no secret. `true` is no finding,
   * as the text also holds names and words that the schema fixes.
   */
  mayBeIn(jsonText: string): boolean;
  /**
   * Where a secret is: in any text or member name, whole or as a part. Names and words that the schema itself
   * fixes (such as `state` and `done`) are not looked at: they carry nothing.
   */
  find(record: BuildRecord): SecretFinding | undefined;
  /** For messages. */
  mask(text: string): string;
}

export function createSecretSearch(secretValues: readonly string[]): SecretSearch {
  const values = [...secretValues];
  const secrets = values.filter((secret) => secret.length >= MIN_SECRET_LENGTH);
  const needles = secrets.flatMap(needlesOf);
  const texts = [...new Set(needles.map((needle) => JSON.stringify(needle.text).slice(1, -1)))];
  return {
    values,
    mayBeIn: (jsonText) => texts.some((text) => jsonText.includes(text)),
    find: (record) => find(record, needles),
    mask: (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text),
  };
}

function find(record: BuildRecord, needles: readonly Needle[]): SecretFinding | undefined {
  for (const leaf of leavesOf(record)) {
    const found = needles.find(
      (needle) =>
        (leaf.machine !== true || needle.secretLength >= MIN_SECRET_LENGTH_IN_MACHINE_TEXT) &&
        (leaf.whole === true ? leaf.text === needle.text : leaf.text.includes(needle.text)),
    );
    if (found !== undefined) return { field: masked(leaf.path, needles), encoding: found.encoding };
  }
  return undefined;
}

function needlesOf(secret: string): Needle[] {
  const bytes = Buffer.from(secret, 'utf8');
  const escaped = JSON.stringify(secret).slice(1, -1);
  const texts: [string, SecretFinding['encoding']][] = [
    [secret, 'plain'],
    [escaped, 'JSON-escaped'],
    [encodeURIComponent(bytes.toString('utf8')), 'percent-encoded'],
    [bytes.toString('hex'), 'hex'],
    [bytes.toString('hex').toUpperCase(), 'hex'],
    ...base64Cores(bytes).map((core): [string, SecretFinding['encoding']] => [core, 'base64']),
  ];
  return texts.map(([text, encoding]) => ({ text, encoding, secretLength: secret.length }));
}

/**
 * The characters of base64 that depend on these bytes alone, for each of the three positions at which they can
 * start inside a longer encoded text; in both alphabets.
 */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const firstWhole = Math.ceil((before * 8) / 6);
    const endWhole = Math.floor(((before + bytes.length) * 8) / 6);
    const core = encoded.slice(firstWhole, endWhole);
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

interface Leaf {
  readonly path: readonly string[];
  readonly text: string;
  /** Digest, time or counter. */
  readonly machine?: true;
  /** A number: only all of it counts. */
  readonly whole?: true;
}

function* leavesOf(record: BuildRecord): Generator<Leaf> {
  yield { path: ['buildId'], text: record.buildId };
  yield { path: ['createdAt'], text: record.createdAt, machine: true };
  for (const [name, phase] of Object.entries(record.phases)) {
    const path = ['phases', name];
    yield { path, text: name };
    yield { path: [...path, 'inputsKey'], text: phase.inputsKey, machine: true };
    if (phase.reason !== undefined) yield { path: [...path, 'reason'], text: phase.reason };
    for (const [index, artifact] of phase.artifacts.entries()) {
      const at = [...path, 'artifacts', String(index)];
      yield { path: [...at, 'name'], text: artifact.name };
      yield { path: [...at, 'path'], text: artifact.path };
      yield { path: [...at, 'sha256'], text: artifact.sha256, machine: true };
      for (const [key, text] of Object.entries(artifact.identity)) {
        yield { path: [...at, 'identity', key], text: String(text), machine: true };
      }
    }
    yield* leavesOfJson([...path, 'data'], phase.data);
  }
  for (const [index, entry] of record.ledger.entries()) {
    const path = ['ledger', String(index)];
    yield { path: [...path, 'id'], text: entry.id };
    yield { path: [...path, 'resourceType'], text: entry.resourceType };
    yield { path: [...path, 'resourceId'], text: entry.resourceId };
    if (entry.data !== undefined) yield* leavesOfJson([...path, 'data'], entry.data);
  }
  yield* leavesOfJson(['facts'], record.facts);
}

function* leavesOfJson(path: readonly string[], value: JsonValue): Generator<Leaf> {
  if (typeof value === 'string') yield { path, text: value };
  else if (typeof value === 'number') yield { path, text: String(value), whole: true };
  else if (isArray(value)) {
    for (const [index, item] of value.entries()) yield* leavesOfJson([...path, String(index)], item);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield { path: [...path, key], text: key };
      yield* leavesOfJson([...path, key], item);
    }
  }
}

/** `Array.isArray` does not narrow a readonly array out of a union. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function masked(path: readonly string[], needles: readonly Needle[]): string {
  return path.map((part) => (needles.some((needle) => part.includes(needle.text)) ? '***' : part)).join('.');
}
