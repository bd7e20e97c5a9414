import { deepFreeze } from './deep-freeze.ts';
import { CheckpointInvalidError, CheckpointSecretError } from './errors.ts';
import { buildRecordSchema, describeIssues } from './record-schema.ts';
import type { BuildRecord, PhaseRecord } from './record.ts';
import { createSecretSearch } from './secrets.ts';
import type { SecretSearch } from './secrets.ts';

interface SerializedRecord {
  /** What `JSON.stringify(record, null, 2)` gives, with a line feed. */
  readonly text: string;
  /** What a later process will read from the text. Frozen. */
  readonly record: BuildRecord;
}

/**
 * Throws `CheckpointInvalidError` where the record breaks the schema or is that of another build, and
 * `CheckpointSecretError` where it holds one of the values.
 */
export type RecordSerializer = (record: BuildRecord, secretValues: readonly string[]) => SerializedRecord;

/** A part of a record, such as a phase or all of them, that was checked before: frozen, so it is still what it was. */
interface KnownPart {
  /** Which part of the record, such as `phases.disk`. */
  readonly place: string;
  /** Its text, at its indentation. */
  readonly text: string;
}

const PHASES = 'phases';
const LEDGER = 'ledger';
const ENTRY = 'ledger.entry';
const FACTS = 'facts';

/**
 * A record is saved at each small step of a build and mostly stays the same, so parts that were checked and
 * turned into text once are not again. They are known by identity, which only frozen objects of ours can have.
 */
export function createRecordSerializer(path: string, buildId: string): RecordSerializer {
  let known = new WeakMap<object, KnownPart>();
  let secrets = createSecretSearch([]);

  const isKnown = (part: object, place: string): boolean => known.get(part)?.place === place;

  return (record, secretValues) => {
    if (!sameList(secretValues, secrets.values)) {
      known = new WeakMap();
      secrets = createSecretSearch(secretValues);
    }
    const parsed = buildRecordSchema.safeParse(withoutKnown(record, isKnown));
    // On failure the whole is looked at once more, for an error that names the right place.
    if (!parsed.success || record.buildId !== buildId) throw errorOf(record, path, buildId, secrets);
    const fresh = parsed.data;

    const added: [object, KnownPart][] = [];
    const joined: [object, KnownPart][] = [];
    const keep = <T extends object>(part: T, place: string, indentation: string): [T, string] => {
      const before = known.get(part);
      if (before?.place === place) return [part, before.text];
      const plain = JSON.stringify(part, null, 2);
      // From the text, so that it shares nothing with the caller. That it is a T was checked before.
      const copy = deepFreeze(JSON.parse(plain) as T);
      // JSON text has line feeds between its tokens only, never inside a string.
      const text = plain.replaceAll('\n', `\n${indentation}`);
      added.push([copy, { place, text }]);
      return [copy, text];
    };

    const { version, createdAt, updatedAt, percentComplete } = fresh;
    const head = { version, buildId, createdAt, updatedAt, percentComplete };
    const keepPhases = (): [BuildRecord['phases'], string] => {
      const before = known.get(record.phases);
      if (before?.place === PHASES) return [record.phases, before.text];
      const kept: Record<string, PhaseRecord> = {};
      const lines = Object.entries(record.phases).map(([name, phase]) => {
        const [part, text] = keep(fresh.phases[name] ?? phase, `${PHASES}.${name}`, '    ');
        kept[name] = part;
        return `"${name}": ${text}`;
      });
      const text = block('{', lines, '}');
      joined.push([Object.freeze(kept), { place: PHASES, text }]);
      return [kept, text];
    };
    const keepLedger = (): [BuildRecord['ledger'], string] => {
      const before = known.get(record.ledger);
      if (before?.place === LEDGER) return [record.ledger, before.text];
      const freshEntries = fresh.ledger.values();
      const kept = record.ledger.map((entry) =>
        keep(isKnown(entry, ENTRY) ? entry : (freshEntries.next().value ?? entry), ENTRY, '    '),
      );
      const parts = Object.freeze(kept.map(([part]) => part));
      const text = block(
        '[',
        kept.map(([, line]) => line),
        ']',
      );
      joined.push([parts, { place: LEDGER, text }]);
      return [parts, text];
    };
    const [phases, phasesText] = keepPhases();
    const [ledger, ledgerText] = keepLedger();
    const [facts, factsText] = keep(isKnown(record.facts, FACTS) ? record.facts : fresh.facts, FACTS, '  ');

    const start = Object.entries(head).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
    // A quick look at the text of what is new; the fields are gone through only where something is found there.
    const suspect = [...start, ...Object.keys(fresh.phases), ...added.map(([, part]) => part.text)];
    if (suspect.some((text) => secrets.mayBeIn(text)) && secrets.find(fresh) !== undefined) {
      throw errorOf(record, path, buildId, secrets);
    }
    for (const [part, entry] of [...added, ...joined]) known.set(part, entry);

    const members = [...start, `"phases": ${phasesText}`, `"ledger": ${ledgerText}`, `"facts": ${factsText}`];
    return {
      text: `{\n  ${members.join(',\n  ')}\n}\n`,
      record: Object.freeze({ ...head, phases, ledger, facts }),
    };
  };
}

/** The record with only those parts that have to be looked at. */
function withoutKnown(record: BuildRecord, isKnown: (part: object, place: string) => boolean): BuildRecord {
  // A caller without types may pass anything: what has no parts is left as it is for the schema to refuse.
  const { phases, ledger, facts }: Partial<Record<keyof BuildRecord, unknown>> = record;
  if (!isObject(phases) || !Array.isArray(ledger) || !isObject(facts)) return record;
  const freshPhases: Record<string, PhaseRecord> = {};
  if (!isKnown(phases, PHASES)) {
    for (const [name, phase] of Object.entries(record.phases)) {
      if (!isKnown(phase, `${PHASES}.${name}`)) freshPhases[name] = phase;
    }
  }
  return {
    ...record,
    phases: freshPhases,
    ledger: isKnown(ledger, LEDGER) ? [] : record.ledger.filter((entry) => !isKnown(entry, ENTRY)),
    facts: isKnown(record.facts, FACTS) ? {} : record.facts,
  };
}

function errorOf(record: BuildRecord, path: string, buildId: string, secrets: SecretSearch): Error {
  const parsed = buildRecordSchema.safeParse(record);
  if (!parsed.success) {
    // Without the cause: it may hold, in the name of a field, what must not be shown.
    const issues = describeIssues(parsed.error).map((issue) => secrets.mask(issue));
    return new CheckpointInvalidError(path, 'schema', issues);
  }
  const secret = secrets.find(parsed.data);
  if (secret !== undefined) return new CheckpointSecretError(path, secret.field, secret.encoding);
  return new CheckpointInvalidError(path, 'build-id', [`buildId: is ${parsed.data.buildId}, not ${buildId}`]);
}

function block(open: string, members: readonly string[], close: string): string {
  return members.length === 0 ? `${open}${close}` : `${open}\n    ${members.join(',\n    ')}\n  ${close}`;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
