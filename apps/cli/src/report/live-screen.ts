import { createLogUpdate } from 'log-update';
import stringWidth from 'string-width';
import type { Host } from '../host/host.ts';
import { cleanLines } from '../text/clean-text.ts';
import type { Frame } from '../view/live-lines.ts';
import type { Glyphs, Paint } from '../view/style.ts';
import { FrameStream } from './frame-stream.ts';

/** At most ten frames a second, however many events come. */
const frameMs = 100;
/** How often a frame is drawn when nothing happens, for the elapsed times. */
const idleFrameMs = 200;

export interface Style {
  readonly paint: Paint;
  readonly glyphs: Glyphs;
}

/** Lines that are drawn over and over in the same place of a terminal. */
export interface LiveScreen {
  /** There is something new to draw; drawing begins with the first. */
  readonly changed: () => void;
  /** A line that stays above. */
  readonly note: (text: string) => void;
  /** Stops, and returns how to go on. */
  readonly pause: () => () => void;
  /** Draws once more and leaves the last frame where it is. */
  readonly stop: () => void;
}

/** @param view its lines, and whether there is nothing yet that is worth keeping on the screen */
export function liveScreen(
  host: Pick<Host, 'stdout' | 'now'>,
  style: Style,
  view: { lines: (frame: Frame) => readonly string[]; isEmpty: () => boolean },
): LiveScreen {
  const draw = createLogUpdate(new FrameStream(host.stdout));
  let shown: readonly string[] = [];
  let columns = host.stdout.columns;
  let dirty = false;
  let drawnAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const render = (): void => {
    const now = host.now();
    eraseReflowed();
    const { columns: width, rows } = host.stdout;
    shown = view.lines({ ...style, now, columns: width, rows });
    draw(shown.join('\n'));
    dirty = false;
    drawnAt = now;
  };

  /** In a narrower terminal the old lines take more rows than `log-update` knows of: those go first. */
  const eraseReflowed = (): void => {
    const width = host.stdout.columns;
    if (width === columns) return;
    columns = width;
    const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / width)), 0);
    for (let more = rows - shown.length; more > 0; more -= 1) host.stdout.write('\u001B[2K\u001B[1A');
    draw.clear();
  };

  const start = (): void => {
    timer ??= setInterval(() => {
      if (dirty || host.now() - drawnAt >= idleFrameMs) render();
    }, frameMs);
    timer.unref();
  };

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    if (!view.isEmpty()) render();
    draw.done();
    shown = [];
  };

  return {
    changed: () => {
      start();
      dirty = true;
    },
    note: (text) => {
      draw.persist(style.paint.yellow(cleanLines(text)));
      shown = [];
      dirty = true;
    },
    pause: () => {
      stop();
      return start;
    },
    stop,
  };
}
