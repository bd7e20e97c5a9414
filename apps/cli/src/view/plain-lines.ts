import { cleanLine, failureLine } from '../text/clean-text.ts';
import { formatDuration } from '../text/duration.ts';
import type { BuildEvent } from './build-event.ts';

/** What has to be remembered from one event to the next. */
export interface PlainState {
  /** Milliseconds since 1970 of the first event; the time stamps count from it. */
  readonly startedAt: number | undefined;
  readonly percent: number;
  /** What was last said of a phase's progress. */
  readonly told: Readonly<Record<string, { readonly at: number; readonly fraction: number }>>;
}

export interface PlainLine {
  /** Time since the start, and percentage of the whole. */
  readonly stamp: string;
  readonly text: string;
}

export const initialPlainState: PlainState = { startedAt: undefined, percent: 0, told: {} };

/** Progress is told this often at most, and not before this much was done: a log is read afterwards. */
const progressEveryMs = 5000;
const progressEvery = 0.25;

/**
 * The lines for one event where the output is no terminal: a line an event with the time since the start and the
 * percentage of the whole. The noise (console, tool output, each step of progress) is in the build's journal.
 */
export function plainLines(
  state: PlainState,
  event: BuildEvent,
): { readonly state: PlainState; readonly lines: readonly PlainLine[] } {
  const at = Date.parse(event.time);
  const begun: PlainState = state.startedAt === undefined ? { ...state, startedAt: at } : state;
  if (event.type === 'pipeline.progress') {
    return { state: { ...begun, percent: event.data.percent }, lines: [] };
  }
  const next = remember(begun, event, at);
  const text = describe(begun, event, at);
  if (text === undefined) return { state: next, lines: [] };
  const seconds = ((at - (begun.startedAt ?? at)) / 1000).toFixed(1);
  const stamp = `[${seconds.padStart(6)} s ${String(Math.floor(begun.percent)).padStart(3)} %]`;
  return { state: next, lines: [{ stamp, text: cleanLine(text) }] };
}

function remember(state: PlainState, event: BuildEvent, at: number): PlainState {
  const progress = progressOf(event);
  if (progress === undefined) return state;
  if (event.type !== 'phase.started' && !isWorthTelling(state, progress, at)) return state;
  return { ...state, told: { ...state.told, [progress.key]: { at, fraction: progress.fraction } } };
}

function isWorthTelling(
  { told }: PlainState,
  { key, fraction }: { key: string; fraction: number },
  at: number,
): boolean {
  const last = told[key];
  return last === undefined || at - last.at >= progressEveryMs || fraction - last.fraction >= progressEvery;
}

function progressOf(event: BuildEvent): { key: string; fraction: number } | undefined {
  switch (event.type) {
    case 'phase.started':
      return { key: event.data.phase, fraction: 0 };
    case 'phase.progress':
      return { key: event.data.phase, fraction: event.data.fraction };
    case 'download.progress': {
      const { phase, receivedBytes, totalBytes } = event.data;
      return { key: `download:${phase}`, fraction: totalBytes > 0 ? receivedBytes / totalBytes : 0 };
    }
    default:
      return undefined;
  }
}

function describe(state: PlainState, event: BuildEvent, at: number): string | undefined {
  const progress = progressOf(event);
  if (progress !== undefined && event.type !== 'phase.started' && !isWorthTelling(state, progress, at)) {
    return undefined;
  }
  switch (event.type) {
    case 'build.started': {
      const { buildId, recipe, directory, resumed } = event.data;
      return `build ${buildId} ${resumed ? 'continues' : 'starts'}: ${recipe} -> ${directory}`;
    }
    case 'phase.started': {
      const { phase, attempt, reason } = event.data;
      return `${phase}: started${attempt > 1 ? ` again (attempt ${attempt})` : ''} (${reason})`;
    }
    case 'phase.progress': {
      const { phase, fraction, step } = event.data;
      return `${phase}: ${Math.floor(fraction * 100)} %${step === undefined ? '' : `, ${step}`}`;
    }
    case 'download.progress': {
      const { phase } = event.data;
      return `${phase}: downloaded ${Math.floor((progress?.fraction ?? 0) * 100)} %`;
    }
    case 'phase.completed':
      return `${event.data.phase}: done in ${formatDuration(event.data.durationMs)}`;
    case 'phase.reused':
      return `${event.data.phase}: reused (${event.data.reason})`;
    case 'phase.skipped':
      return `${event.data.phase}: skipped (${event.data.reason})`;
    case 'phase.retrying': {
      const { phase, what, retriesLeft, delayMs, message } = event.data;
      const left = `${retriesLeft} ${retriesLeft === 1 ? 'retry' : 'retries'} left`;
      return `${phase}: ${what} failed, again in ${formatDuration(delayMs)}, ${left}: ${firstLine(message)}`;
    }
    case 'phase.failed':
      return `${event.data.phase}: FAILED: ${failureLine(event.data.message)}`;
    case 'phase.cancelled':
      return `${event.data.phase}: cancelled${event.data.late ? ' (cut off)' : ''}`;
    case 'checkpoint.quarantined':
      return `the earlier record was not usable (${event.data.reason}) and is kept as ${event.data.path}`;
    case 'vm.state': {
      const { state: name, accelerator } = event.data;
      return `build machine: ${name}${accelerator === undefined ? '' : ` (${accelerator})`}`;
    }
    case 'vm.verdict':
      return `build machine ended: ${event.data.kind}: ${firstLine(event.data.summary)}`;
    case 'guest.step': {
      const { app, step, state: name, message } = event.data;
      if (name === 'progress') return undefined;
      return `app ${app}: ${step} ${name}${message === undefined ? '' : `: ${firstLine(message)}`}`;
    }
    case 'cleanup.failed':
      return `warning: clean-up of ${event.data.resource} failed: ${firstLine(event.data.message)}`;
    case 'events.dropped':
      return `${event.data.count} events were not shown`;
    default:
      // How the build ended is said in the summary.
      return undefined;
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
