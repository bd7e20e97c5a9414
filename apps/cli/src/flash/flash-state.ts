import path from 'node:path';
import type { FlashTargetState } from '@osforge/flasher';
import { cleanLine } from '../text/clean-text.ts';
import type { FlashEvent } from './flash-event.ts';

/** One row of the table. Texts are clean. */
export interface TargetView {
  readonly target: string;
  /** What it is called in the table: the last part of its path, where no other target has the same. */
  readonly name: string;
  readonly state: FlashTargetState;
  readonly doneBytes: number;
  /** Undefined while the size of the image is not known. */
  readonly totalBytes: number | undefined;
  readonly bytesPerSecond: number;
  /** Milliseconds since 1970 at which it is expected to be complete. */
  readonly expectedEnd: number | undefined;
  readonly behind: boolean;
  /** How it ended; one line. */
  readonly detail: string | undefined;
}

/** All that the live table shows, made from events alone. */
export interface FlashState {
  readonly image: string;
  /** Milliseconds since 1970 of the first event. */
  readonly startedAt: number | undefined;
  readonly targets: readonly TargetView[];
  /** 0..1 while the checksum of the image is computed. */
  readonly checked: number | undefined;
}

export const initialFlashState: FlashState = {
  image: '',
  startedAt: undefined,
  targets: [],
  checked: undefined,
};

/** The state after one more event. Pure; time is the event's own. */
export function reduceFlash(state: FlashState, event: FlashEvent): FlashState {
  const at = Date.parse(event.time);
  switch (event.type) {
    case 'flash.started': {
      const { image, sizeBytes, targets } = event.data;
      const names = shortNames(targets.map(({ target }) => target));
      return {
        image: cleanLine(path.basename(image)),
        startedAt: at,
        checked: undefined,
        targets: targets.map(({ target }, index) => ({
          target,
          name: names[index] ?? target,
          state: 'waiting',
          doneBytes: 0,
          totalBytes: sizeBytes,
          bytesPerSecond: 0,
          expectedEnd: undefined,
          behind: false,
          detail: undefined,
        })),
      };
    }
    case 'flash.checking': {
      const { doneBytes, totalBytes } = event.data;
      const checked = totalBytes > 0 && doneBytes < totalBytes ? doneBytes / totalBytes : undefined;
      return { ...state, checked };
    }
    case 'flash.target': {
      const { target, state: name, doneBytes, totalBytes, bytesPerSecond, etaMs, behind } = event.data;
      return withTarget({ ...state, checked: undefined }, target, (old) => ({
        ...old,
        state: name,
        doneBytes,
        totalBytes: totalBytes ?? old.totalBytes,
        bytesPerSecond,
        expectedEnd: etaMs === undefined ? undefined : at + etaMs,
        behind,
      }));
    }
    case 'flash.target-completed': {
      const { target, sizeBytes, durationMs, readBack } = event.data;
      return withTarget(state, target, (old) => ({
        ...old,
        state: 'done',
        doneBytes: sizeBytes,
        totalBytes: sizeBytes,
        // Over all of it: the speed of the last seconds says little afterwards.
        bytesPerSecond: durationMs > 0 ? (1000 * sizeBytes) / durationMs : 0,
        expectedEnd: undefined,
        detail: readBack === 'none' ? 'complete, not verified' : 'complete, verified',
      }));
    }
    case 'flash.target-failed': {
      const { target, state: name, message } = event.data;
      const detail = name === 'cancelled' ? 'cancelled' : cleanLine(message.split('\n', 1)[0] ?? '');
      return withTarget(state, target, (old) => ({
        ...old,
        state: name,
        bytesPerSecond: 0,
        expectedEnd: undefined,
        detail,
      }));
    }
    default:
      return state;
  }
}

function withTarget(state: FlashState, target: string, change: (old: TargetView) => TargetView): FlashState {
  return { ...state, targets: state.targets.map((one) => (one.target === target ? change(one) : one)) };
}

/** The last part of each path, or all of it where two would be called the same. */
export function shortNames(targets: readonly string[]): string[] {
  const count = new Map<string, number>();
  for (const target of targets) {
    const name = path.basename(target);
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  return targets.map((target) => {
    const name = path.basename(target);
    return cleanLine(count.get(name) === 1 ? name : target);
  });
}
