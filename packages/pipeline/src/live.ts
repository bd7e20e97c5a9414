import { LiveResourceExistsError, LiveResourceMissingError } from './errors.ts';

/** Why a live resource is disposed of. */
export type DisposeReason = 'completed' | 'failed' | 'cancelled' | 'asked';

/** Given to a disposer. `signal` is aborted when the run does not wait any longer: be quick or let go. */
export interface DisposeContext {
  readonly reason: DisposeReason;
  readonly signal: AbortSignal;
}

export type Disposer = (context: DisposeContext) => Promise<void> | void;

/** Names a live resource and its type. Make one with `liveKey` and share it between phases. */
export interface LiveKey<T> {
  readonly name: string;
  /** The values by owner; the key holds them so that reading one back needs no type assertion. */
  readonly slots: WeakMap<LiveResources, { readonly value: T }>;
}

/** A key for a live resource of type T, such as `liveKey<Machine>('machine')`. */
export function liveKey<T>(name: string): LiveKey<T> {
  return { name, slots: new WeakMap() };
}

/** One live resource that is to be disposed of. For the engine. */
export interface LiveEntry {
  readonly name: string;
  readonly key: LiveKey<unknown>;
  readonly dispose: Disposer;
}

/**
 * In-memory resources of one run, shared between its phases. What is still there when the run ends is disposed
 * of in reverse order of `set`.
 */
export class LiveResources {
  readonly #entries = new Map<string, LiveEntry>();
  readonly #seal: () => void;

  /** `seal` throws when nothing may be added any more. */
  constructor(seal: () => void = () => {}) {
    this.#seal = seal;
  }

  /**
   * Add a resource.
   * @throws LiveResourceExistsError when the name is in use
   */
  set<T>(key: LiveKey<T>, value: T, dispose: Disposer): void {
    this.#seal();
    if (this.#entries.has(key.name)) throw new LiveResourceExistsError(key.name);
    key.slots.set(this, { value });
    this.#entries.set(key.name, { name: key.name, key, dispose });
  }

  /** The resource, or undefined when its phase was reused or it was disposed of. */
  get<T>(key: LiveKey<T>): T | undefined {
    return this.#slot(key)?.value;
  }

  /** The resource. @throws LiveResourceMissingError */
  require<T>(key: LiveKey<T>): T {
    const slot = this.#slot(key);
    if (slot === undefined) throw new LiveResourceMissingError(key.name);
    return slot.value;
  }

  /** Dispose of one resource now; nothing happens when it is not there. What the disposer throws is passed on. */
  async dispose(key: LiveKey<unknown>, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(key.name);
    if (entry === undefined || entry.key !== key) return;
    this.#entries.delete(key.name);
    await entry.dispose({ reason: 'asked', signal });
  }

  /** Give a resource away without disposing of it. */
  release(key: LiveKey<unknown>): void {
    if (this.#entries.get(key.name)?.key === key) this.#entries.delete(key.name);
  }

  /** Take everything out, last set first. For the engine. */
  drain(): readonly LiveEntry[] {
    const entries = [...this.#entries.values()].reverse();
    this.#entries.clear();
    return entries;
  }

  // Two keys may have one name; only the one that was set counts.
  #slot<T>(key: LiveKey<T>): { readonly value: T } | undefined {
    return this.#entries.get(key.name)?.key === key ? key.slots.get(this) : undefined;
  }
}
