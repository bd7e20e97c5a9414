/** When the phases that run now began, by the times of their events. */
export class PhaseClock {
  readonly #startedAt = new Map<string, number>();

  /** A phase that is tried again goes on from its first start. */
  start(phase: string, time: string): void {
    if (!this.#startedAt.has(phase)) this.#startedAt.set(phase, Date.parse(time));
  }

  /** Seconds since the start; undefined for a phase that never started. */
  end(phase: string, time: string): number | undefined {
    const startedAt = this.#startedAt.get(phase);
    this.#startedAt.delete(phase);
    // The wall clock may have been set back meanwhile.
    return startedAt === undefined ? undefined : Math.max(0, Date.parse(time) - startedAt) / 1000;
  }
}
