import { resolve } from 'node:path';
import { recordArtifact, verifyArtifact } from '@osforge/checkpoint';
import type { ArtifactRecord } from '@osforge/checkpoint';
import type { PhaseArtifact } from './phase.ts';

/** What became of an artifact since it was recorded. */
export interface ArtifactFinding {
  /** Undefined when it is as recorded, otherwise what is wrong: "is missing", "has other content", … */
  readonly problem?: string;
  /** The record to keep from now on, where the file is right but was copied or moved. */
  readonly refreshed?: ArtifactRecord;
}

/** Where artifacts are recorded and checked; the file system, except in tests that force faults. */
export interface ArtifactStore {
  /** Hash (unless the digest is given), flush file and folder, and describe it. */
  record(artifact: PhaseArtifact, signal: AbortSignal): Promise<ArtifactRecord>;
  verify(artifact: ArtifactRecord, signal: AbortSignal): Promise<ArtifactFinding>;
}

const PROBLEMS = {
  missing: 'is missing',
  size: 'has another size',
  digest: 'has other content',
} as const;

/** Artifacts in the build folder `directory`. */
export function artifactStore(options: {
  readonly directory: string;
  readonly deep: boolean;
}): ArtifactStore {
  const { directory: buildDirectory, deep } = options;
  return {
    record: ({ path, ...artifact }, signal) =>
      recordArtifact(resolve(buildDirectory, path), { ...artifact, buildDirectory, signal }),
    verify: async (artifact, signal) => {
      const found = await verifyArtifact(artifact, { buildDirectory, deep, signal });
      if (!found.ok) return { problem: PROBLEMS[found.reason] };
      return found.refreshed === undefined ? {} : { refreshed: found.refreshed };
    },
  };
}
