import { Wake } from './wake.ts';

/** Operations under way: waits for room, and hands on the first failure. */
export class InFlight {
  readonly #settled = new Wake();
  #count = 0;
  #failed = false;
  #failure: unknown;

  start(work: Promise<void>): void {
    this.#count += 1;
    work
      .catch((error: unknown) => {
        this.#failure = this.#failed ? this.#failure : error;
        this.#failed = true;
      })
      .finally(() => {
        this.#count -= 1;
        this.#settled.notify();
      });
  }

  /** Resolves when fewer than `limit` are under way; with 1: when all are done. */
  async below(limit: number): Promise<void> {
    while (!this.#failed && this.#count >= limit) await this.#settled.wait();
    if (this.#failed) throw this.#failure;
  }
}
