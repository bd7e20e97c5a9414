import type { Host } from '../host/host.ts';
import { initialPlainState, plainLines } from '../view/plain-lines.ts';
import type { Paint } from '../view/style.ts';
import { summaryLines } from '../view/summary-lines.ts';
import type { Reporter } from './reporter.ts';

/** Lines for people where there is no terminal to draw on. */
export function plainReporter(host: Pick<Host, 'stdout' | 'stderr' | 'cwd'>, paint: Paint): Reporter {
  let state = initialPlainState;
  return {
    event: (event) => {
      const { state: next, lines } = plainLines(state, event);
      state = next;
      for (const { stamp, text } of lines) host.stdout.write(`${paint.dim(stamp)} ${text}\n`);
    },
    note: (text) => {
      host.stderr.write(`${text}\n`);
    },
    pause: () => () => {},
    end: (result) => {
      if (result?.outcome !== 'completed' && result?.outcome !== 'unchanged') return;
      host.stdout.write(`\n${summaryLines(result, host).join('\n')}\n`);
    },
  };
}
