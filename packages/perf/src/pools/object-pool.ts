import { checkCount, DoubleReleaseError, ForeignReleaseError } from './errors.ts';

/** How a pool makes and keeps its objects. */
export interface ObjectPoolOptions<T extends object> {
  /** Makes an object when none is idle. */
  readonly create: () => T;
  /** Puts a released object back into its first state; also drops what it refers to. Default: nothing. */
  readonly reset?: ((object: T) => void) | undefined;
  /** How many idle objects are kept; more are left to the garbage collector. Default 256. */
  readonly max?: number | undefined;
  /**
   * Knows every object that is out, so that each wrong release is found; some 50 ns each. Without it only the
   * commonest mistake is found, the same object released twice in a row. Default false.
   */
  readonly debug?: boolean | undefined;
}

/** Counts since the pool was made. */
export interface ObjectPoolStatistics {
  /** Objects made, because none was idle. */
  readonly created: number;
  /** Objects handed out from the idle ones. */
  readonly reused: number;
  /** Objects that came back while `max` were idle, or that `reset` threw at. */
  readonly discarded: number;
  /** Objects idle now. */
  readonly idle: number;
  /** Objects handed out and not released. */
  readonly inUse: number;
}

const defaultMax = 256;

/**
 * Keeps objects for their next use. Worth it for what is expensive to make or to collect, such as large typed
 * arrays; for small plain objects V8 allocates as fast as this pool pops.
 */
export class ObjectPool<T extends object> {
  readonly #create: () => T;
  readonly #reset: ((object: T) => void) | undefined;
  readonly #max: number;
  readonly #idle: T[] = [];
  /** Objects that are out; only in debug mode. */
  readonly #out: Set<T> | undefined;
  #created = 0;
  #reused = 0;
  #released = 0;
  #discarded = 0;

  /** @throws PoolOptionError when `max` is no whole number of at least 1 */
  constructor({ create, reset, max = defaultMax, debug = false }: ObjectPoolOptions<T>) {
    checkCount('max', max);
    this.#create = create;
    this.#reset = reset;
    this.#max = max;
    this.#out = debug ? new Set() : undefined;
  }

  /** An idle object, the last released first, or a new one. */
  acquire(): T {
    let object = this.#idle.pop();
    if (object === undefined) {
      object = this.#create();
      this.#created += 1;
    } else {
      this.#reused += 1;
    }
    this.#out?.add(object);
    return object;
  }

  /**
   * Resets the object and keeps it. Do not touch it afterwards. When `reset` throws, this does, and the object is not
   * kept.
   * @throws DoubleReleaseError, ForeignReleaseError (the latter in debug mode only); the pool is as it was
   */
  release(object: T): void {
    const idle = this.#idle;
    if (idle.length > 0 && idle[idle.length - 1] === object) throw new DoubleReleaseError('an object');
    if (this.#out !== undefined && !this.#out.delete(object)) throw this.#wrongRelease(object);
    this.#released += 1;
    // Counted before, as `reset` may throw: nobody knows its state then, so it is not kept.
    this.#discarded += 1;
    this.#reset?.(object);
    if (idle.length >= this.#max) return;
    idle.push(object);
    this.#discarded -= 1;
  }

  /** Calls `fn` with an object and releases it when `fn` has returned, thrown, or its promise has settled. */
  use<R>(fn: (object: T) => Promise<R>): Promise<R>;
  use<R>(fn: (object: T) => R): R;
  use<R>(fn: (object: T) => R | Promise<R>): R | Promise<R> {
    const object = this.acquire();
    let result: R | Promise<R>;
    try {
      result = fn(object);
    } catch (error) {
      this.release(object);
      throw error;
    }
    if (result instanceof Promise) {
      return result.finally(() => {
        this.release(object);
      });
    }
    this.release(object);
    return result;
  }

  get statistics(): ObjectPoolStatistics {
    return {
      created: this.#created,
      reused: this.#reused,
      discarded: this.#discarded,
      idle: this.#idle.length,
      inUse: this.#created + this.#reused - this.#released,
    };
  }

  /** Drops the idle objects, for instance under memory pressure. */
  clear(): void {
    this.#idle.length = 0;
  }

  #wrongRelease(object: T): Error {
    return this.#idle.includes(object)
      ? new DoubleReleaseError('an object')
      : new ForeignReleaseError('an object');
  }
}
