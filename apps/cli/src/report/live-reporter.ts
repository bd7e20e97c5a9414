import type { Host } from '../host/host.ts';
import { initialBuildState } from '../view/build-state.ts';
import { liveLines } from '../view/live-lines.ts';
import { noticeOf } from '../view/notice.ts';
import { reduce } from '../view/reduce.ts';
import { summaryLines } from '../view/summary-lines.ts';
import { liveScreen, type Style } from './live-screen.ts';
import type { Reporter } from './reporter.ts';

/** The view that is drawn over and over in the same place of a terminal. */
export function liveReporter(host: Pick<Host, 'stdout' | 'cwd' | 'now'>, style: Style): Reporter {
  let state = initialBuildState;
  const screen = liveScreen(host, style, {
    lines: (frame) => liveLines(state, frame),
    isEmpty: () => state.phases.length === 0,
  });
  return {
    event: (event) => {
      state = reduce(state, event);
      screen.changed();
      const notice = noticeOf(event);
      if (notice !== undefined) screen.note(notice);
    },
    note: screen.note,
    pause: screen.pause,
    end: (result) => {
      screen.stop();
      if (result?.outcome !== 'completed' && result?.outcome !== 'unchanged') return;
      const [first = '', ...rest] = summaryLines(result, host);
      host.stdout.write(`\n${style.paint.green(first)}\n${rest.map((line) => `${line}\n`).join('')}`);
    },
  };
}
