import { defaultStartTimeoutMs, defaultStopTimeoutMs, type Component } from './component.ts';
import { StartAbandonedError, StartStuckError, StartTimeoutError } from './errors.ts';
import { limited } from './limited.ts';
import type { ComponentStart, StartFailure } from './report.ts';

/** What came of a start. */
export interface StartAttempt {
  /** Those that have to be stopped, in the order of dependencies. */
  readonly started: readonly Component[];
  readonly starts: readonly ComponentStart[];
  readonly failures: readonly StartFailure[];
}

/**
 * Start components, each as soon as all that it depends on are ready. The first failure, or `signal`, aborts those
 * that are starting; it waits until they have ended or their time for that is over. Never rejects.
 */
export async function startAll(
  ordered: readonly Component[],
  { signal, now }: { readonly signal: AbortSignal | undefined; readonly now: () => number },
): Promise<StartAttempt> {
  const begin = now();
  const ready = new Set<Component>();
  const starts: ComponentStart[] = [];
  const failures: StartFailure[] = [];
  const giveUp = new AbortController();
  const onAbort = (): void => {
    giveUp.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();

  const startOne = async (component: Component, needed: readonly Promise<boolean>[]): Promise<boolean> => {
    const { name } = component;
    for (const dependency of needed) if (!(await dependency)) return false;
    if (giveUp.signal.aborted) return false;
    const started = now();
    const timeoutMs = component.startTimeoutMs ?? defaultStartTimeoutMs;
    const graceMs = component.stopTimeoutMs ?? defaultStopTimeoutMs;
    const outcome = await limited((given) => component.start({ signal: given }), {
      timeoutMs,
      graceMs,
      parent: giveUp.signal,
      reason: () => new StartTimeoutError(name, timeoutMs),
      onLateSuccess: () => {
        stopForgotten(component);
      },
    });
    if (outcome.state === 'done') {
      ready.add(component);
      starts.push({ name, waitedMs: started - begin, durationMs: now() - started });
      return true;
    }
    // One that ends because it was told to has not failed.
    const given = giveUp.signal;
    if (outcome.state === 'late') {
      const error = given.aborted
        ? new StartStuckError(name, graceMs)
        : new StartTimeoutError(name, timeoutMs);
      failures.push({ name, error });
      giveUp.abort(new StartAbandonedError(`"${name}" did not start`));
    } else if (!given.aborted || !isAbort(outcome.error, given)) {
      failures.push({ name, error: outcome.error });
      giveUp.abort(new StartAbandonedError(`"${name}" did not start`));
    }
    return false;
  };

  const starting = new Map<string, Promise<boolean>>();
  for (const component of ordered) {
    const needed = (component.dependsOn ?? []).flatMap((name) => starting.get(name) ?? []);
    starting.set(component.name, startOne(component, needed));
  }
  await Promise.all(starting.values());
  signal?.removeEventListener('abort', onAbort);
  return { started: ordered.filter((component) => ready.has(component)), starts, failures };
}

/** A start that nobody waits for any more succeeded: what it opened is closed. Its report has been given already. */
function stopForgotten(component: Component): void {
  void limited((signal) => component.stop?.({ signal }), {
    timeoutMs: component.stopTimeoutMs ?? defaultStopTimeoutMs,
    graceMs: 0,
    parent: new AbortController().signal,
    reason: () => new StartAbandonedError(`"${component.name}" started too late`),
  });
}

function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return (
    error === reason || (error instanceof Error && (error.cause === reason || error.name === 'AbortError'))
  );
}
