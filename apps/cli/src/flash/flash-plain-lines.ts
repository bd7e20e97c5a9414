import type { FlashEvents, FlashTargetState } from '@osforge/flasher';
import { cleanLine } from '../text/clean-text.ts';
import { compactDuration, formatDuration } from '../text/duration.ts';
import { formatSize } from '../text/size.ts';
import { formatSpeed } from '../text/speed.ts';
import type { FlashEvent } from './flash-event.ts';
import { shortNames } from './flash-state.ts';

/** What has to be remembered from one event to the next. */
export interface FlashPlainState {
  /** Milliseconds since 1970 of the first event. */
  readonly startedAt: number | undefined;
  readonly names: ReadonlyMap<string, string>;
  /** What was last said of a target. */
  readonly told: ReadonlyMap<
    string,
    { readonly at: number; readonly doneBytes: number; readonly state: string }
  >;
}

export const initialFlashPlainState: FlashPlainState = {
  startedAt: undefined,
  names: new Map(),
  told: new Map(),
};

/** Progress is told this often at most, and not before this much was done: a log is read afterwards. */
const progressEveryMs = 5000;
const progressEvery = 0.25;

const words: Readonly<Partial<Record<FlashTargetState, string>>> = {
  probing: 'probing its capacity',
  discarding: 'discarding its old blocks',
  resuming: 'continues where an earlier flash was cut',
  writing: 'writing',
  finishing: 'finishing',
};

/** The line for one event where the output is no terminal; undefined for what is not worth one. */
export function flashPlainLine(
  state: FlashPlainState,
  event: FlashEvent,
): { readonly state: FlashPlainState; readonly stamp: string; readonly text: string | undefined } {
  const at = Date.parse(event.time);
  const begun = state.startedAt === undefined ? { ...state, startedAt: at } : state;
  const seconds = ((at - (begun.startedAt ?? at)) / 1000).toFixed(1);
  const stamp = `[${seconds.padStart(6)} s]`;
  const { state: next, text } = describe(begun, event, at);
  return { state: next, stamp, text: text === undefined ? undefined : cleanLine(text) };
}

function describe(
  state: FlashPlainState,
  event: FlashEvent,
  at: number,
): { state: FlashPlainState; text: string | undefined } {
  switch (event.type) {
    case 'flash.started': {
      const { image, format, sizeBytes, targets } = event.data;
      const short = shortNames(targets.map(({ target }) => target));
      const names = new Map(targets.map(({ target }, index) => [target, short[index] ?? target]));
      const size = sizeBytes === undefined ? '' : `, ${formatSize(sizeBytes)}`;
      const count = `${targets.length} ${targets.length === 1 ? 'target' : 'targets'}`;
      return { state: { ...state, names }, text: `${image} (${format}${size}) -> ${count}` };
    }
    case 'flash.checking': {
      const { doneBytes, totalBytes } = event.data;
      const first = !state.told.has('');
      const told = new Map(state.told).set('', { at, doneBytes, state: 'checking' });
      const text = first
        ? 'checking the image'
        : doneBytes >= totalBytes
          ? 'the image is what its checksum says'
          : undefined;
      return { state: { ...state, told }, text };
    }
    case 'flash.target':
      return progress(state, event.data, at);
    case 'flash.target-completed': {
      const { target, sizeBytes, durationMs, readBack, resumedBytes, receipt } = event.data;
      const verified = readBack === 'none' ? 'not verified' : `verified (${readBack})`;
      const resumed = resumedBytes > 0 ? `, ${formatSize(resumedBytes)} of it were there already` : '';
      const kept = receipt === undefined ? '' : `, receipt ${receipt}`;
      const text = `${nameOf(state, target)}: complete, ${verified}: ${formatSize(sizeBytes)} in ${formatDuration(durationMs)}${resumed}${kept}`;
      return { state, text };
    }
    case 'flash.target-failed': {
      const { target, state: name, message } = event.data;
      const text =
        name === 'cancelled'
          ? `${nameOf(state, target)}: cancelled`
          : `${nameOf(state, target)}: FAILED: ${message.split('\n', 1)[0] ?? ''}`;
      return { state, text };
    }
    default:
      // How it ended is said in the summary.
      return { state, text: undefined };
  }
}

function progress(
  state: FlashPlainState,
  data: FlashEvents['flash.target'],
  at: number,
): { state: FlashPlainState; text: string | undefined } {
  const { target, state: name, doneBytes, totalBytes, bytesPerSecond, etaMs } = data;
  const word = words[name];
  const last = state.told.get(target);
  const isNews =
    last?.state !== name ||
    at - last.at >= progressEveryMs ||
    (totalBytes !== undefined && doneBytes - last.doneBytes >= progressEvery * totalBytes);
  if (word === undefined || !isNews) return { state, text: undefined };
  const told = new Map(state.told).set(target, { at, doneBytes, state: name });
  const done =
    totalBytes === undefined || totalBytes === 0
      ? formatSize(doneBytes)
      : `${Math.floor((100 * doneBytes) / totalBytes)} %`;
  const speed = bytesPerSecond > 0 ? `, ${formatSpeed(bytesPerSecond)}` : '';
  const left = etaMs === undefined ? '' : `, about ${compactDuration(etaMs)} left`;
  const numbers = name === 'writing' ? ` (${done}${speed}${left})` : '';
  return { state: { ...state, told }, text: `${nameOf(state, target)}: ${word}${numbers}` };
}

function nameOf({ names }: FlashPlainState, target: string): string {
  return names.get(target) ?? target;
}
