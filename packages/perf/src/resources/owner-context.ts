import { AsyncLocalStorage } from 'node:async_hooks';

const context = new AsyncLocalStorage<string>();

/** Run `fn`; what it opens, also later in its callbacks and awaits, counts as opened by `owner`. */
export function runAsOwner<T>(owner: string, fn: () => T): T {
  return context.run(owner, fn);
}

/** The owner in whose name the current code runs; undefined outside of {@link runAsOwner}. */
export function currentOwner(): string | undefined {
  return context.getStore();
}
