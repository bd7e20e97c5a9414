import type { ArtifactRecord, BuildRecord, JsonObject, JsonValue, PhaseRecord } from '@osforge/checkpoint';
import type { LiveResources } from './live.ts';
import type { PhaseLedger } from './phase-ledger.ts';
import type { RetryOptions, RetryPolicy } from './retry.ts';

/** What a phase may look at while its inputs are gathered. Nothing here has side effects. */
export interface PlanContext {
  readonly buildId: string;
  /** The build as it was last saved, undefined for a build that has never run. */
  readonly record: BuildRecord | undefined;
  /** Aborted when the run is cancelled while the plan is made. */
  readonly signal: AbortSignal;
}

/** One artifact that a phase made. */
export interface PhaseArtifact {
  /** Unique within the phase. */
  readonly name: string;
  /** Relative to the build folder, or absolute. A regular file. */
  readonly path: string;
  /** `output`: for the user. `cache`: kept for later builds. `transient`: may be released in clean-up. */
  readonly retention: ArtifactRecord['retention'];
  /** Lower-case hex digest, if it is known already (hashed while it was written); saves a second read. */
  readonly sha256?: string;
  /** Bytes, together with `sha256`. */
  readonly sizeBytes?: number;
}

/** What a phase returns. It is committed only after every artifact is hashed and flushed. */
export interface PhaseResult {
  readonly artifacts: readonly PhaseArtifact[];
  /** Small facts for later phases and for people. No secrets. The key `pipeline` is reserved. */
  readonly data?: JsonObject;
}

/** What a running phase gets. */
export interface PhaseContext {
  /** Aborted on cancel, and when another phase fails. A phase that ends anyway in time is still committed. */
  readonly signal: AbortSignal;
  readonly buildId: string;
  /** 1 for the first attempt; more only under the phase's own retry policy. */
  readonly attempt: number;
  /**
   * The record of a phase that this one depends on, directly or through others.
   * @throws UndeclaredUpstreamError for any other name
   */
  readonly upstream: (name: string) => PhaseRecord;
  /** Report `fraction` 0..1 of this phase's work. Values outside are clamped; going back is ignored. */
  readonly progress: (fraction: number, step?: string) => void;
  readonly log: (line: string, stream?: 'stdout' | 'stderr') => void;
  /** Write here, before a resource exists, what has to be removed should this phase never end. */
  readonly ledger: PhaseLedger;
  /** Run one step again while `isTransient` says so, with exponential back-off and jitter. Ends on cancel. */
  readonly retry: <T>(
    what: string,
    step: (attempt: number, signal: AbortSignal) => Promise<T> | T,
    options: RetryOptions,
  ) => Promise<T>;
  /** In-memory things that later phases use (a running VM); disposed in reverse order when the run ends. */
  readonly live: LiveResources;
  /**
   * Mark artifacts with retention `transient` as released and give back their paths, so that the phase may
   * delete them. The mark is saved first: a crash in between leaves a spare file, never a build that
   * believes it lost something. Already released artifacts are given back again, so it can be repeated.
   */
  readonly releaseTransient: (phases?: readonly string[]) => Promise<readonly ReleasedArtifact[]>;
}

/** A transient artifact that may be deleted now. */
export interface ReleasedArtifact {
  readonly phase: string;
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** One step of a pipeline. Everything except `run` is free of side effects. */
export interface Phase {
  readonly name: string;
  /** Version of the phase's code: change it when the same inputs would give another result. */
  readonly version: string;
  /** Expected duration relative to the other phases; a positive number. */
  readonly weight: number;
  /** Names of phases that have to be done before this one starts. Their keys are part of this one's key. */
  readonly dependsOn: readonly string[];
  /**
   * Those of `dependsOn` whose artifacts this phase opens; default: all. If one of them was released and
   * this phase has to run, the phase that made it runs again. A clean-up phase reads none: `[]`.
   */
  readonly reads?: readonly string[];
  /** Names of the artifacts that a run returns, in any order. When given, anything else is refused. */
  readonly outputs?: readonly string[];
  /** Run the whole phase again on errors that `isTransient` accepts. Default: never. */
  readonly retry?: RetryPolicy;
  /** Everything that decides the result, besides name, version and upstream keys. Saved: no secrets. */
  inputs(context: PlanContext): JsonValue | Promise<JsonValue>;
  /** A reason ("not requested") when this phase is not wanted in this run. */
  skip?(context: PlanContext): string | undefined | Promise<string | undefined>;
  run(context: PhaseContext): Promise<PhaseResult>;
}

/** What will happen to one phase, and why. */
export interface PhasePlan {
  readonly name: string;
  readonly action: 'run' | 'reuse' | 'skip';
  /** For people: "nothing changed", "inputs changed: apps.0.name", "artifact disk.raw is missing", … */
  readonly reason: string;
  readonly inputsKey: string;
}
