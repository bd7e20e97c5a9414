import type { TargetState } from '../engine/progress.ts';

/** What a target is doing; `probing`: its capacity is looked at first. */
export type FlashTargetState = TargetState | 'probing';

/** What a flash says while it runs: names and plain data, fit for JSON and for an event bus. Absent numbers are not known. */
export type FlashEvents = {
  'flash.started': {
    image: string;
    format: string;
    sizeBytes?: number;
    targets: { target: string; path: string; description: string }[];
  };
  /** The checksum of the image's file is computed before anything is written. */
  'flash.checking': { doneBytes: number; totalBytes: number };
  /** Where a target stands: every change of state and, while it writes, about five times a second. */
  'flash.target': {
    target: string;
    path: string;
    state: FlashTargetState;
    doneBytes: number;
    verifiedBytes: number;
    totalBytes?: number;
    bytesPerSecond: number;
    etaMs?: number;
    behind: boolean;
    queueDepth: number;
  };
  'flash.target-completed': {
    target: string;
    path: string;
    sizeBytes: number;
    wroteBytes: number;
    /** What an earlier flash had left right. */
    resumedBytes: number;
    readBack: string;
    sha256?: string;
    durationMs: number;
    /** Its file. */
    receipt?: string;
  };
  'flash.target-failed': {
    target: string;
    path: string;
    state: 'failed' | 'cancelled';
    code: string;
    message: string;
    /** Of the first byte that is wrong or could not be accessed. */
    offsetBytes?: number;
  };
  'flash.completed': { complete: number; durationMs: number };
  'flash.failed': { complete: number; failed: number; durationMs: number; message: string; code: string };
  'flash.cancelled': { complete: number; durationMs: number };
};

/** One event; narrow it by `type`. */
export type FlashEvent = {
  [T in keyof FlashEvents]: { readonly type: T; readonly data: FlashEvents[T] };
}[keyof FlashEvents];
