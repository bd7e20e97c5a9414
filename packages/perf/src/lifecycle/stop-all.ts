import { timerMs } from '../timer-ms.ts';
import { defaultStopTimeoutMs, type Component } from './component.ts';
import { limited } from './limited.ts';
import type { ComponentStop, StopReport } from './report.ts';

/** How to stop. */
export interface StopAllOptions {
  /** Milliseconds for all together. */
  readonly timeoutMs: number;
  /** Ends the waiting early, as the deadline does. */
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

/**
 * Stop components, each as soon as those that depend on it have stopped or are late. When the time is over the rest is
 * still asked to stop, with a signal that has aborted, and not waited for. Never rejects.
 */
export async function stopAll(ordered: readonly Component[], options: StopAllOptions): Promise<StopReport> {
  const { timeoutMs, signal, now } = options;
  const begin = now();
  const components: ComponentStop[] = [];
  if (ordered.length === 0) return { durationMs: 0, components, late: [] };

  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new Error(`the time to stop, ${timeoutMs} ms, is over`));
  }, timerMs(timeoutMs));
  const onAbort = (): void => {
    deadline.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();

  const stopOne = async (component: Component, dependants: readonly Promise<void>[]): Promise<void> => {
    for (const dependant of dependants) await dependant;
    const started = now();
    const outcome = await limited((given) => component.stop?.({ signal: given }), {
      timeoutMs: component.stopTimeoutMs ?? defaultStopTimeoutMs,
      graceMs: 0,
      parent: deadline.signal,
      reason: () => new Error(`the time of "${component.name}" to stop is over`),
    });
    components.push({
      name: component.name,
      durationMs: now() - started,
      state: outcome.state === 'done' ? 'stopped' : outcome.state,
      error: outcome.state === 'failed' ? outcome.error : undefined,
    });
  };

  const stopping = new Map<string, Promise<void>>();
  for (const component of [...ordered].reverse()) {
    const dependants = ordered.flatMap((other) =>
      other.dependsOn?.includes(component.name) === true ? (stopping.get(other.name) ?? []) : [],
    );
    stopping.set(component.name, stopOne(component, dependants));
  }
  await Promise.all(stopping.values());
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  const late = components.flatMap(({ name, state }) => (state === 'late' ? [name] : []));
  return { durationMs: now() - begin, components, late };
}
