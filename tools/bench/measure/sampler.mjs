/** A call that is shorter than this is measured several at a time, as the clock costs some 50 ns itself. */
const SHORT_MS = 0.01;
const BATCH_MS = 0.1;

/**
 * @typedef {object} Measured one of the things that are held beside each other
 * @property {() => unknown} fn may give a promise, and may give `{ overriddenDuration }` in ms, as in tinybench
 * @property {{ beforeAll?: Hook, afterAll?: Hook, beforeEach?: Hook, afterEach?: Hook }} hooks
 *
 * @typedef {((...args: never[]) => unknown) | undefined} Hook
 *
 * @typedef {object} SamplerOptions as of vitest's `bench.compare`, for one process
 * @property {number} timeMs of sampling
 * @property {number} iterations at least
 * @property {number} warmupMs
 * @property {number} warmupIterations at least
 */

/** Takes samples of one function, in as many portions as wanted. */
export class Sampler {
  /** Milliseconds of one call each. @type {number[]} */
  samples = [];
  #spentMs = 0;
  #batch = 1;
  /** @type {Measured} */
  #measured;
  /** @type {SamplerOptions} */
  #options;
  /** @type {() => number} */
  #now;

  /**
   * @param {Measured} measured
   * @param {SamplerOptions} options
   * @param {() => number} [now] milliseconds
   */
  constructor(measured, options, now = () => performance.now()) {
    this.#measured = measured;
    this.#options = options;
    this.#now = now;
  }

  async warmUp() {
    await callHook(this.#measured.hooks.beforeAll);
    const { warmupMs, warmupIterations } = this.#options;
    let spentMs = 0;
    let lastMs = 0;
    for (let call = 0; call < Math.max(1, warmupIterations) || spentMs < warmupMs; call += 1) {
      lastMs = await this.#one();
      // A duration that is only told takes no time at all; so does a function that does nothing.
      spentMs += Math.max(lastMs, 0.0005);
    }
    // The first call of a function takes as long as a thousand later ones.
    for (let call = 0; call < 50 && lastMs < 1 && !this.#overridden; call += 1) {
      lastMs = Math.min(lastMs, await this.#one());
    }
    const { beforeEach, afterEach } = this.#measured.hooks;
    const plain = typeof beforeEach !== 'function' && typeof afterEach !== 'function';
    if (plain && !this.#overridden && lastMs < SHORT_MS) {
      this.#batch = Math.ceil(BATCH_MS / Math.max(lastMs, 0.00005));
    }
  }

  #overridden = false;

  /**
   * Samples until a part of the time is spent and a part of the iterations done.
   *
   * @param {number} part 0 to 1, of the whole
   */
  async sampleUntil(part) {
    const { timeMs, iterations } = this.#options;
    while (this.#spentMs < timeMs * part || this.samples.length < iterations * part) {
      const started = this.#now();
      const tookMs = this.#batch === 1 ? await this.#one() : await this.#many();
      const told = this.#overridden ? tookMs : 0;
      this.#spentMs += Math.max(this.#now() - started, told, 0.0005);
      this.samples.push(tookMs);
    }
  }

  async close() {
    await callHook(this.#measured.hooks.afterAll);
  }

  async #one() {
    const { fn, hooks } = this.#measured;
    await callHook(hooks.beforeEach);
    const started = this.#now();
    let given = fn();
    if (given instanceof Promise) given = await given;
    const tookMs = this.#now() - started;
    await callHook(hooks.afterEach);
    const told = overriddenDuration(given);
    this.#overridden = told !== undefined;
    return told ?? tookMs;
  }

  async #many() {
    const { fn } = this.#measured;
    const started = this.#now();
    for (let call = 0; call < this.#batch; call += 1) {
      const given = fn();
      if (given instanceof Promise) await given;
    }
    return (this.#now() - started) / this.#batch;
  }
}

/** @param {Hook} hook */
async function callHook(hook) {
  await /** @type {(() => unknown) | undefined} */ (hook)?.();
}

/**
 * @param {unknown} given
 * @returns {number | undefined}
 */
function overriddenDuration(given) {
  return typeof given === 'object' &&
    given !== null &&
    'overriddenDuration' in given &&
    typeof given.overriddenDuration === 'number'
    ? given.overriddenDuration
    : undefined;
}
