/** `waiting`: not decided yet. `late` cancels count as cancelled. */
export type PhaseState = 'waiting' | 'running' | 'done' | 'reused' | 'skipped' | 'failed' | 'cancelled';

export interface PhaseView {
  readonly name: string;
  readonly state: PhaseState;
  /** Milliseconds since 1970; absent before it started. */
  readonly startedAt?: number;
  /** Absent before it ended, and for what did not run. */
  readonly durationMs?: number;
  /** 0..1, while it runs. */
  readonly fraction?: number;
  /** What it is doing, or why it was reused, skipped, or failed; one clean line. */
  readonly detail?: string;
}

/** All that the live view shows of a build, made from its events alone. Texts are clean. */
export interface BuildState {
  readonly buildId: string;
  readonly directory: string;
  readonly resumed: boolean;
  /** Milliseconds since 1970 of the first event. */
  readonly startedAt: number | undefined;
  readonly phases: readonly PhaseView[];
  /** 0..100 */
  readonly percent: number;
  /** Milliseconds since 1970 at which the build is expected to end; undefined without history. */
  readonly expectedEnd: number | undefined;
  /** The last line that the guest printed, while there is a guest. */
  readonly consoleLine: string | undefined;
  readonly stopping: boolean;
}

export const initialBuildState: BuildState = {
  buildId: '',
  directory: '',
  resumed: false,
  startedAt: undefined,
  phases: [],
  percent: 0,
  expectedEnd: undefined,
  consoleLine: undefined,
  stopping: false,
};
