import { createLogUpdate } from 'log-update';
import stringWidth from 'string-width';
import type { Host } from '../host/host.ts';
import { cleanLines } from '../text/clean-text.ts';
import { initialBuildState } from '../view/build-state.ts';
import { liveLines } from '../view/live-lines.ts';
import { noticeOf } from '../view/notice.ts';
import { reduce } from '../view/reduce.ts';
import type { Glyphs, Paint } from '../view/style.ts';
import { summaryLines } from '../view/summary-lines.ts';
import { FrameStream } from './frame-stream.ts';
import type { Reporter } from './reporter.ts';

/** At most ten frames a second, however many events come. */
const frameMs = 100;
/** How often a frame is drawn when nothing happens, for the elapsed times. */
const idleFrameMs = 200;

/** The view that is drawn over and over in the same place of a terminal. */
export function liveReporter(
  host: Pick<Host, 'stdout' | 'cwd' | 'now'>,
  style: { readonly paint: Paint; readonly glyphs: Glyphs },
): Reporter {
  const draw = createLogUpdate(new FrameStream(host.stdout));
  let state = initialBuildState;
  let shown: readonly string[] = [];
  let columns = host.stdout.columns;
  let dirty = false;
  let drawnAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const render = (): void => {
    const now = host.now();
    eraseReflowed();
    const { columns: width, rows } = host.stdout;
    shown = liveLines(state, { ...style, now, columns: width, rows });
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
  /** The last frame stays where it is. */
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    if (state.phases.length > 0) render();
    draw.done();
    shown = [];
  };
  const note = (text: string): void => {
    draw.persist(style.paint.yellow(cleanLines(text)));
    shown = [];
    dirty = true;
  };

  return {
    event: (event) => {
      start();
      state = reduce(state, event);
      dirty = true;
      const notice = noticeOf(event);
      if (notice !== undefined) note(notice);
    },
    note,
    pause: () => {
      stop();
      return start;
    },
    end: (result) => {
      stop();
      if (result?.outcome !== 'completed' && result?.outcome !== 'unchanged') return;
      const [first = '', ...rest] = summaryLines(result, host);
      host.stdout.write(`\n${style.paint.green(first)}\n${rest.map((line) => `${line}\n`).join('')}`);
    },
  };
}
