import { inputsKey } from '@osforge/checkpoint';
import type { JsonObject, JsonValue, PhaseRecord } from '@osforge/checkpoint';
import { diffInputs } from './inputs-diff.ts';

/** The key in `PhaseRecord.data` under which the engine keeps what a phase's result was made from. */
export const PROVENANCE_KEY = 'pipeline';

/** What stands for the result of a phase that was skipped. */
export const SKIPPED_RESULT = 'skipped';

/** What a phase's result was made from; explains later why it is, or is not, used again. */
export interface Provenance {
  readonly phaseVersion: string;
  readonly inputs: JsonValue;
  /** By name of each phase it depends on: that phase's key and the digest of its result. */
  readonly upstream: Readonly<Record<string, { readonly key: string; readonly result: string }>>;
  /** Phases whose transient artifacts it released: to be done again when those are made again. */
  readonly released: readonly string[];
}

/** The key of one phase: equal keys mean equal recipe part, code and upstream keys. */
export function phaseKey(parts: {
  readonly name: string;
  readonly version: string;
  readonly skipped: boolean;
  readonly inputs: JsonValue;
  readonly upstreamKeys: Readonly<Record<string, string>>;
}): string {
  return inputsKey({
    name: parts.name,
    version: parts.version,
    inputs: parts.inputs,
    upstream: parts.upstreamKeys,
    ...(parts.skipped ? { skipped: true } : {}),
  });
}

// Records are frozen and looked at after each phase, so what is computed from one is kept with it.
const digests = new WeakMap<PhaseRecord, string>();
const provenances = new WeakMap<PhaseRecord, Provenance>();

/** Digest of what a phase made: names, sizes and digests of its artifacts, and its data. Paths do not count. */
export function resultDigest(record: PhaseRecord): string {
  if (record.state === 'skipped') return SKIPPED_RESULT;
  const known = digests.get(record);
  if (known !== undefined) return known;
  const artifacts = record.artifacts
    .map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = inputsKey({ artifacts, data: withoutProvenance(record.data) });
  digests.set(record, digest);
  return digest;
}

/** A phase's data with its provenance, as it is saved. */
export function withProvenance(data: JsonObject, provenance: Provenance): JsonObject {
  return {
    ...data,
    [PROVENANCE_KEY]: {
      phaseVersion: provenance.phaseVersion,
      inputs: provenance.inputs,
      upstream: provenance.upstream,
      released: provenance.released,
    },
  };
}

/** A phase's own data, as its `run` returned it. */
export function withoutProvenance(data: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([key]) => key !== PROVENANCE_KEY));
}

/** The provenance in a record; undefined for one that the engine did not write. */
export function readProvenance(record: PhaseRecord): Provenance | undefined {
  const known = provenances.get(record) ?? parseProvenance(record);
  if (known !== undefined) provenances.set(record, known);
  return known;
}

function parseProvenance(record: PhaseRecord): Provenance | undefined {
  const stored = record.data[PROVENANCE_KEY];
  if (!isObject(stored) || !isObject(stored['upstream'])) return undefined;
  const { phaseVersion, inputs } = stored;
  if (typeof phaseVersion !== 'string' || inputs === undefined) return undefined;
  const upstream: Record<string, { key: string; result: string }> = {};
  for (const [name, value] of Object.entries(stored['upstream'])) {
    if (!isObject(value)) return undefined;
    const { key, result } = value;
    if (typeof key !== 'string' || typeof result !== 'string') return undefined;
    upstream[name] = { key, result };
  }
  const released = Array.isArray(stored['released']) ? stored['released'] : [];
  return {
    phaseVersion,
    inputs,
    upstream,
    released: released.filter((name: JsonValue) => typeof name === 'string'),
  };
}

/** Why a record's key is not the wanted one, for people; never shows a value of the inputs. */
export function explainKeyChange(
  before: Provenance | undefined,
  now: {
    readonly version: string;
    readonly inputs: JsonValue;
    readonly upstreamKeys: Readonly<Record<string, string>>;
  },
): string {
  if (before === undefined) return 'inputs changed';
  if (before.phaseVersion !== now.version) {
    return `the phase itself changed (version ${before.phaseVersion} → ${now.version})`;
  }
  const paths = diffInputs(before.inputs, now.inputs);
  if (paths.length > 0) return paths[0] === '' ? 'inputs changed' : `inputs changed: ${paths.join(', ')}`;
  const changed = Object.entries(now.upstreamKeys).find(([name, key]) => before.upstream[name]?.key !== key);
  if (changed !== undefined) return `upstream ${changed[0]} changed`;
  return 'its dependencies changed';
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
