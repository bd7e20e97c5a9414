import type { PhasePlan } from './phase.ts';

/** A failed phase or clean-up step, as data. */
export type Failure = { message: string; code?: string };

/** Data of each event by its type; all of it is JSON. Durations are in milliseconds. */
export type PipelineEvents = {
  'pipeline.planned': { phases: { name: string; action: PhasePlan['action']; reason: string }[] };
  'phase.started': { phase: string; attempt: number; reason: string };
  'phase.progress': { phase: string; fraction: number; step?: string };
  'phase.log': { phase: string; line: string; stream?: 'stdout' | 'stderr' };
  'phase.retrying': {
    phase: string;
    what: string;
    /** The attempt that failed, from 1. */
    attempt: number;
    retriesLeft: number;
    delayMs: number;
  } & Failure;
  'phase.completed': {
    phase: string;
    durationMs: number;
    artifacts: { name: string; path: string; sizeBytes: number; sha256: string }[];
  };
  'phase.reused': { phase: string; reason: string };
  'phase.skipped': { phase: string; reason: string };
  'phase.failed': { phase: string; attempt: number } & Failure;
  /** `late`: it had not reacted to its signal when the run stopped waiting. */
  'phase.cancelled': { phase: string; late: boolean; message?: string };
  /** Never goes back; 100 only when everything is done. `etaMs` is left out without history. */
  'pipeline.progress': { percent: number; etaMs?: number };
  'pipeline.cancelling': { running: string[]; deadlineMs: number };
  'checkpoint.saved': { phase?: string; durationMs: number };
  /** `what`: `live` for in-memory resources, `ledger` for what the ledger lists. */
  'cleanup.started': { what: 'live' | 'ledger'; count: number };
  /** `resourceType` and `resourceId` for an entry of the ledger, which stays there; `message` is the reason. */
  'cleanup.failed': {
    what: 'live' | 'ledger';
    resource: string;
    resourceType?: string;
    resourceId?: string;
  } & Failure;
  'cleanup.completed': { what: 'live' | 'ledger'; cleaned: number; failed: number };
  /** A late subscriber missed this many log and progress events; everything else is replayed. */
  'events.dropped': { count: number };
  'pipeline.completed': {
    durationMs: number;
    unchanged: boolean;
    ran: string[];
    reused: string[];
    skipped: string[];
  };
  'pipeline.failed': { durationMs: number; phase?: string } & Failure;
  'pipeline.cancelled': { durationMs: number; latePhases: string[]; message: string };
};

/** One event; narrow it by `type`. */
export type PipelineEvent = {
  [T in keyof PipelineEvents]: { readonly type: T; readonly data: PipelineEvents[T] };
}[keyof PipelineEvents];

/** Publishes one event of a run. */
export type Publish = <T extends keyof PipelineEvents>(type: T, data: PipelineEvents[T]) => void;
