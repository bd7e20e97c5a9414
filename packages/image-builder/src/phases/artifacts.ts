import path from 'node:path';
import type { ArtifactRecord, JsonValue, PhaseRecord } from '@osforge/checkpoint';
import { BuildConsistencyError } from '../errors.ts';
import type { BuildLayout } from '../build/layout.ts';

/** Absolute path of an artifact that an earlier phase recorded. */
export function artifactPath(layout: BuildLayout, record: PhaseRecord, name: string): string {
  return path.resolve(layout.directory, artifact(record, name).path);
}

function artifact(record: PhaseRecord, name: string): ArtifactRecord {
  const found = record.artifacts.find((candidate) => candidate.name === name);
  if (!found) {
    throw new BuildConsistencyError(`the checkpoint lacks the artifact "${name}"; run again with --fresh`);
  }
  return found;
}

/** A string that an earlier phase recorded. */
export function recordedText(record: PhaseRecord, name: string): string {
  const value: JsonValue | undefined = record.data[name];
  if (typeof value !== 'string') {
    throw new BuildConsistencyError(`the checkpoint lacks the value "${name}"; run again with --fresh`);
  }
  return value;
}

/** A number that an earlier phase recorded. */
export function recordedNumber(record: PhaseRecord, name: string): number {
  const value: JsonValue | undefined = record.data[name];
  if (typeof value !== 'number') {
    throw new BuildConsistencyError(`the checkpoint lacks the number "${name}"; run again with --fresh`);
  }
  return value;
}

/** A list of strings that an earlier phase recorded. */
export function recordedTexts(record: PhaseRecord, name: string): string[] {
  const value: JsonValue | undefined = record.data[name];
  if (!Array.isArray(value)) {
    throw new BuildConsistencyError(`the checkpoint lacks the list "${name}"; run again with --fresh`);
  }
  return value.map(String);
}
