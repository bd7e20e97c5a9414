import type { BuildRecord, Checkpoint, LedgerEntry, LedgerHandlers } from '@osforge/checkpoint';
import type { Observable } from 'rxjs';
import type { ArtifactStore } from './artifact-store.ts';
import type { PipelineEvent } from './events.ts';
import type { Phase } from './phase.ts';

/** What is done with the resources of phases that were not committed when the run fails. */
export type OnError = 'cleanup' | 'keep' | 'ask';

/** Given to `ask` when a run has failed. */
export interface FailureQuestion {
  readonly error: Error;
  /** What would be removed, in the order in which it was registered. */
  readonly entries: readonly LedgerEntry[];
  /** Aborted when the run is cancelled while it waits for the answer; then everything is kept. */
  readonly signal: AbortSignal;
}

export interface RunPipelineOptions {
  readonly phases: readonly Phase[];
  /** Open, with its lock held. The run does not close it. */
  readonly checkpoint: Checkpoint;
  /** The build folder that relative artifact paths start from. */
  readonly directory: string;
  /** Cancel: running phases are told, waited for up to `cancelTimeoutMs`, and committed if they end well. */
  readonly signal?: AbortSignal;
  /** Cancel at once: nothing is waited for, except a record that is being renamed into place. */
  readonly abortNow?: AbortSignal;
  /** Default `keep`. */
  readonly onError?: OnError;
  /** Answers for `onError: 'ask'`; without it, or when it throws, everything is kept. */
  readonly ask?: (question: FailureQuestion) => Promise<'cleanup' | 'keep'> | 'cleanup' | 'keep';
  /** Removes resources by their type; used by `cleanup`. */
  readonly handlers?: LedgerHandlers;
  /** Most phases at a time; default: no limit. */
  readonly concurrency?: number;
  /** Run everything again; default false. */
  readonly fresh?: boolean;
  /** Hash every artifact again before reusing a phase; default false. */
  readonly deep?: boolean;
  /** Milliseconds that each phase took before, by name; default: what the checkpoint's record says. */
  readonly history?: Readonly<Record<string, number>>;
  /** How long phases may take to react to a cancel or to another's failure; default 5000. */
  readonly cancelTimeoutMs?: number;
  /** How long one disposer of a live resource may take; default 10 000. */
  readonly disposeTimeoutMs?: number;
  /** How long the removal of one ledger entry may take; default 60 000. */
  readonly cleanUpTimeoutMs?: number;
  /** Milliseconds since 1970; default Date.now. */
  readonly now?: () => number;
  /** Milliseconds that never go back; default performance.now. */
  readonly monotonic?: () => number;
  /** Where artifacts are hashed and checked; default: the file system. For tests that force faults. */
  readonly store?: ArtifactStore;
}

/** How a run ended. */
export interface PipelineResult {
  /** `unchanged`: every phase was reused or skipped. */
  readonly outcome: 'completed' | 'unchanged' | 'failed' | 'cancelled';
  readonly durationMs: number;
  /** Phases committed in this run, in order of commit. */
  readonly ran: readonly string[];
  readonly reused: readonly string[];
  readonly skipped: readonly string[];
  /** Why it failed or was cancelled; never an error of the clean-up. */
  readonly error?: Error;
  /** Phases that failed in their own right besides `error`. */
  readonly alsoFailed: readonly Error[];
  /** Phases that had not reacted to their signal when the run stopped waiting for them. */
  readonly latePhases: readonly string[];
  /** What went wrong while cleaning up, all in one. */
  readonly cleanUpError?: AggregateError;
  /** The build as saved last. */
  readonly record: BuildRecord;
}

/** A run that has begun. */
export interface PipelineRun {
  /** Every event of this run, also for late subscribers; completes when the run ends and never errors. */
  readonly events$: Observable<PipelineEvent>;
  /** Never rejects. */
  readonly result: Promise<PipelineResult>;
}
