/** How long one component took to start. */
export interface ComponentStart {
  readonly name: string;
  /** Milliseconds from the start of the graph to that of the component, which waits for what it depends on. */
  readonly waitedMs: number;
  readonly durationMs: number;
}

/** A graph that has started. */
export interface StartReport {
  readonly durationMs: number;
  /** In the order in which they became ready. */
  readonly components: readonly ComponentStart[];
}

/** How one component stopped. */
export interface ComponentStop {
  readonly name: string;
  readonly durationMs: number;
  /** `late`: it had not stopped when its own time, or that of all, was over. It may still stop later. */
  readonly state: 'stopped' | 'late' | 'failed';
  /** What `stop` threw; undefined unless `failed`. */
  readonly error: unknown;
}

/** A graph that has stopped, as far as it could. */
export interface StopReport {
  readonly durationMs: number;
  /** In the order in which they ended. */
  readonly components: readonly ComponentStop[];
  /** Names of the late ones. */
  readonly late: readonly string[];
}

/** Why one component did not start. */
export interface StartFailure {
  readonly name: string;
  readonly error: unknown;
}
