import type { JsonObject } from './json-value.ts';

/** The record version that this package writes. */
export const RECORD_VERSION = 2 as const;

/**
 * Everything that is kept of one build, in the file `checkpoint-<buildId>.json`.
 * Times are ISO 8601 in UTC with milliseconds.
 */
export interface BuildRecord {
  readonly version: typeof RECORD_VERSION;
  readonly buildId: string;
  readonly createdAt: string;
  /** Set by `update`. */
  readonly updatedAt: string;
  /** 0–100. */
  readonly percentComplete: number;
  /** By phase name; a phase that is not listed has not been completed. */
  readonly phases: Readonly<Record<string, PhaseRecord>>;
  /** What exists and must be removed, in the order in which it was registered. */
  readonly ledger: readonly LedgerEntry[];
  /** Whatever else the build must remember; never a secret. */
  readonly facts: JsonObject;
}

/** A phase that was completed, or skipped for a reason. */
export interface PhaseRecord {
  readonly state: 'done' | 'skipped';
  /** What `inputsKey` returned (64 hex digits), or `never:<why>`, which equals no key. */
  readonly inputsKey: string;
  /** Why it was skipped. */
  readonly reason?: string;
  readonly startedAt: string;
  readonly completedAt: string;
  readonly durationMs: number;
  readonly artifacts: readonly ArtifactRecord[];
  /** What later phases need to know of this one; never a secret. */
  readonly data: JsonObject;
}

/**
 * `output`: kept for the user; `cache`: kept for later builds; `transient`: may be removed once the build is
 * complete.
 */
export type ArtifactRetention = 'output' | 'cache' | 'transient';

/** A file that a phase made, as it was when the phase was committed. */
export interface ArtifactRecord {
  readonly name: string;
  /** Relative to the build folder where the file lies inside it, so that the folder can be moved; else absolute. */
  readonly path: string;
  readonly sizeBytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  readonly retention: ArtifactRetention;
  /** The file was removed on purpose (`transient` ones, at the end of a build). */
  readonly released?: true;
  readonly identity: FileIdentity;
}

/**
 * What changes when a file's content may have changed; decimal digits. `ctimeNs` cannot be set by a program, so
 * it shows a change even where the modification time was put back. `ctimeNs` is `'0'` where the identity proves
 * nothing; the file is then always hashed.
 */
export interface FileIdentity {
  readonly mtimeNs: string;
  readonly ctimeNs: string;
  readonly inode: string;
}

/** Something outside this process that must be removed: written before it exists. */
export interface LedgerEntry {
  readonly id: string;
  /** Selects the handler that removes it, such as `file`, `mount` or `process`. */
  readonly resourceType: string;
  /** What the handler needs to find it, such as a path. */
  readonly resourceId: string;
  readonly data?: JsonObject;
  readonly registeredAt: string;
}
